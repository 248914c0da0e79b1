package backup

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/topology/load"
)

func BenchmarkTraces(b *testing.B) {
	r, err := load.Estate(context.Background(), []string{"/tmp/est/estate.yaml"}, load.Options{ServiceTags: []string{"/work/shared/data/service-tags/ServiceTags_Public_20251028.json"}})
	if err != nil {
		b.Fatal(err)
	}
	s, _ := sim.New(r.Network, sim.Options{AsOf: time.Date(2025, 10, 30, 0, 0, 0, 0, time.UTC)})
	i := 0
	for b.Loop() {
		i++
		_, err := s.Trace(sim.TraceQuestion{From: fmt.Sprintf("vm%d", i%999), To: "Storage.WestEurope", Port: 443, NoProxy: true})
		if err != nil {
			b.Fatal(err)
		}
	}
}
