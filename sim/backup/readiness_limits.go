package backup

import "slices"

// limits are what one generation of the documents asks of a machine that is
// to be backed up (spec 9.4). A zero number is no limit.
type limits struct {
	generation string // as [Profile.Limits] names it
	source     string // key of the specification
	date       string // of the source
	dataDisks  int    // at most, without the operating system's
	diskGB     int    // at most, each disk
	totalGB    int    // at most, all disks of a machine
	unmanaged  bool   // unmanaged disks are supported
	refused    []string
	open       []string // of the encryptions: those that the source does not settle
	windows    windows
	cores      int     // at least
	memoryGB   float64 // at least
}

// windows are the releases of Windows that a generation supports.
type windows struct {
	servers []string // by name; none: 2008 R2 and newer
	clients []string // by name; nil: the source does not speak of clients
	rule    string   // in words
}

// generations lists the limits of each generation, the oldest first.
func generations() []limits {
	server := "Windows Server 2008 R2 or newer"
	return []limits{
		{generation: "2018", source: "BK18", date: "2018", dataDisks: 16, diskGB: 1023, unmanaged: true, refused: []string{"bek-only", "luks"},
			windows: windows{rule: server}},
		{generation: "2019", source: "MTX19", date: "2019-07-02", dataDisks: 16, diskGB: 4095, unmanaged: true, open: []string{"luks"}, cores: 2, memoryGB: 1,
			windows: windows{clients: []string{}, rule: server}},
		{generation: "2026", source: "MTX26", date: "2026", dataDisks: 32, diskGB: 64 << 10, totalGB: 512 << 10, open: []string{"luks"}, cores: 2, memoryGB: 1,
			windows: windows{servers: []string{"2016", "2019", "2022", "2025"}, clients: []string{"10", "11"}, rule: "Windows Server 2016 or newer, Windows 10 or 11"}},
	}
}

// osDiskGB is the size that no disk of an operating system exceeds: Azure
// offers none that is larger (general knowledge, not read in a source).
const osDiskGB = 4095

// oldestAgent is the oldest agent of Windows that backup takes (BK18, MTX19);
// of Linux no document names one.
const oldestAgent = "2.6.1198.718"

// measure is a generation of limits, asked for by a profile.
type measure struct {
	limits
	profile string // the first that asks for it; "" where all profiles ask for one generation
}

// measures are the limits that the profiles ask for, in their order. Profiles
// of workloads inside a machine take no snapshot of it, and have no limits.
func measures(profiles []*Profile) []measure {
	all := generations()
	var out []measure
	for _, p := range profiles {
		if !p.Snapshot {
			continue
		}
		i := slices.IndexFunc(all, func(l limits) bool { return l.generation == p.Limits })
		if i < 0 || slices.ContainsFunc(out, func(m measure) bool { return m.generation == p.Limits }) {
			continue
		}
		out = append(out, measure{all[i], p.Name})
	}
	if len(out) == 1 {
		out[0].profile = ""
	}
	return out
}
