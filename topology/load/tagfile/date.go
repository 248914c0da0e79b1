package tagfile

import (
	"path/filepath"
	"strings"
	"time"
)

// Date is the day in the name of a file as Microsoft names them,
// "ServiceTags_Public_20251028.json": the last "_YYYYMMDD" that is not
// followed by another letter or digit. Zero where there is none.
func Date(name string) time.Time {
	name = filepath.Base(strings.ReplaceAll(name, `\`, "/"))
	for i := len(name) - 9; i >= 0; i-- {
		if name[i] != '_' || i+9 < len(name) && isWord(name[i+9]) {
			continue
		}
		if d, err := time.Parse("20060102", name[i+1:i+9]); err == nil {
			return d
		}
	}
	return time.Time{}
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
