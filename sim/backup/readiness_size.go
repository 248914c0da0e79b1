package backup

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// size compares cores and memory with the least that the generation asks.
func (x *subject) size(m *measure) Check {
	c := Check{Name: checkSize, Source: m.source, Origin: at(x.vm.Origin)}
	if x.vm.Size != "" {
		c.Found = x.vm.Size
	}
	cores, memory := x.vm.Cores, x.vm.MemoryGB
	exact := cores > 0
	if !exact {
		cores, exact = coresOf(x.vm.Size)
	}
	if cores > 0 {
		c.Found = sizeText(cores, exact, memory)
	}
	if m.cores == 0 {
		c.Verdict = Pass
		if c.Found == nil {
			c.Text = "no least size"
		}
		return c
	}
	c.Limit = sizeText(m.cores, true, m.memoryGB)
	switch {
	case exact && cores < m.cores:
		c.Verdict, c.Text = Fail, fmt.Sprintf("%s, at least %d", count(cores, "core", "cores"), m.cores)
	case memory > 0 && memory < m.memoryGB:
		c.Verdict, c.Text = Fail, fmt.Sprintf("%v GB of memory, at least %v", memory, m.memoryGB)
	case cores < m.cores:
		c.Text, c.Export = "how many cores the machine has is not in the data", x.command("show", "--query hardwareProfile")
		if x.vm.Size != "" {
			c.Text, c.Export = "how many cores the size "+quote(x.vm.Size)+" has is not known", "az vm list-sizes -l "+shell(locationOr(x.home()))+" -o json"
		}
	case memory == 0 && x.vm.Size == "":
		c.Text, c.Export = "how much memory the machine has is not in the data", x.command("show", "--query hardwareProfile")
	default:
		c.Verdict = Pass // no size of two cores has less than 1 GB
	}
	return c
}

func locationOr(home string) string {
	if home == "" {
		return "westeurope"
	}
	return home
}

func sizeText(cores int, exact bool, memory float64) string {
	s := count(cores, "core", "cores")
	if !exact {
		s = "at least " + s
	}
	if memory > 0 {
		s += fmt.Sprintf(", %v GB", memory)
	}
	return s
}

var (
	// newSize is a size of the third version or later, whose number is that of
	// its cores; after a hyphen stands how many of them are active.
	newSize = regexp.MustCompile(`^standard_[a-z]+(\d+)(?:-(\d+))?[a-z]*(?:_[a-z0-9]+)?_v([3-9]|\d\d)$`)
	// oldSize is one of the first families. Their numbers are not always those
	// of the cores, but 0 and 1 have one core and the others more.
	oldSize = regexp.MustCompile(`^(?:standard|basic)_(?:a|b|d|ds|f|fs)(\d+)(?:m|s|ms|ls)?(?:_v2)?$`)
)

// coresOf tells what a size's name says of its cores (general knowledge);
// 0: nothing. A number that is not exact is the least.
func coresOf(size string) (cores int, exact bool) {
	s := strings.ToLower(size)
	if m := newSize.FindStringSubmatch(s); m != nil {
		text := m[1]
		if m[2] != "" {
			text = m[2]
		}
		if n, err := strconv.Atoi(text); err == nil && n > 0 {
			return n, true
		}
		return 0, false
	}
	if m := oldSize.FindStringSubmatch(s); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil && n < 2 {
			return 1, true
		}
		return 2, false
	}
	return 0, false
}
