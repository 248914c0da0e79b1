package property

import "testing"

func BenchmarkNewTable(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewTable(); err != nil {
			b.Fatal(err)
		}
	}
}
