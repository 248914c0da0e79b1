package backup

import "github.com/netpath/netpath/topology"

// Profile is what one kind of backup at one time requires.
type Profile struct {
	Name     string     // "vm-2018"
	Title    string     // what it is for
	Assumes  string     // one sentence: what the profile takes for granted
	Newer    string     // one sentence: the newer rule, "" where there is none
	Source   string     // keys of the specification
	Date     string     // of the source, as far as it is known
	Limits   string     // the generation of readiness limits: "2018", "2019" or "2026"
	Outbound []Outbound // what must be reached
}

// Outbound is one destination that a profile requires.
type Outbound struct {
	Name     string // "storage-https"
	Tag      string // service tag without region; "" where Host or Address is set
	Regional bool   // the tag of the machine's region is asked
	Host     string
	Address  string
	Protocol topology.Protocol
	Ports    []uint16
	ByDisk   bool // the port follows the kinds of the machine's disks (BK19)
	Optional bool
}
