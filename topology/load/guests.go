package load

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/guest"
	"github.com/netpath/netpath/topology/load/source"
)

// guestFile reads a file of a machine's guest.
func (rd *reading) guestFile(file io.Reader, opt Options) error {
	m := &meter{r: file}
	if !opt.SkipSHA256 {
		m.sum = sha256.New()
	}
	lines, notes, err := doctree.Lines(rd.in.path, m, opt.Limits)
	if err != nil {
		return err
	}
	rd.remark(notes)
	rd.dialect, rd.elements, rd.bytes = rd.in.guest.Kind.String(), 1, m.bytes
	if m.sum != nil {
		rd.sha256 = hex.EncodeToString(m.sum.Sum(nil))
	}
	rd.guest = guest.Read(&rd.file, rd.in.guest.Kind, lines)
	rd.ledger = Ledger{Leaves: rd.guest.Used + rd.guest.Skipped, Used: rd.guest.Used, Irrelevant: rd.guest.Skipped}
	return rd.file.Err
}

// guestFile is what one file of a guest brought.
type guestFile struct {
	place    guest.Place
	file     string
	settings guest.Settings
	refused  bool // under KeepGoing: what it says is not known
}

// layGuests gives machines the settings of their guests' files. What a machine
// has two settings for, in two files or in a design, must be the same.
func (m *merger) layGuests() error {
	if len(m.guests) == 0 {
		return nil
	}
	machines := map[string][]*topology.VirtualMachine{}
	for _, e := range m.order {
		if vm, ok := e.(*topology.VirtualMachine); ok {
			key := strings.ToLower(vm.Name)
			machines[key] = append(machines[key], vm)
		}
	}
	of := map[*topology.VirtualMachine][]guestFile{}
	said := map[string]bool{}
	for _, g := range m.guests {
		name := g.place.Machine
		key, origin := strings.ToLower(name), topology.Origin{File: g.file}
		switch found := machines[key]; {
		case len(found) == 1:
			of[found[0]] = append(of[found[0]], g)
		case len(found) > 1:
			var all []topology.Any
			for _, vm := range found {
				all = append(all, vm)
			}
			err := ambiguous(origin, name, all)
			err.Hint = "describe the guest in a design file, under the machine's id"
			return err
		case !said[key]:
			said[key] = true
			m.say(Doubt, origin, "the folder of guests names "+source.Quote(name)+", and no machine of the estate has that name", nearestMachine(name, m.order))
		}
	}
	for _, e := range m.order {
		if vm, ok := e.(*topology.VirtualMachine); ok {
			if err := layGuest(vm, of[vm]); err != nil {
				return err
			}
		}
	}
	return nil
}

// layGuest gives a machine the settings of its files.
func layGuest(vm *topology.VirtualMachine, files []guestFile) error {
	for _, g := range files {
		if p := g.settings.System; p != nil {
			if err := setProxy(vm, p); err != nil {
				return err
			}
		}
	}
	byAgent := slices.ContainsFunc(files, func(g guestFile) bool { return g.place.Kind == guest.Agent && g.settings.System != nil })
	if byAgent {
		for _, g := range files {
			vm.Proxy.Bypass = append(vm.Proxy.Bypass, g.settings.Bypass...)
		}
		// Not every version of the agent heeds no_proxy for the proxy of its
		// own file; the extension, which has the environment, may.
		for i := range vm.Proxy.Bypass {
			vm.Proxy.Bypass[i].Doubtful = true
		}
	}
	for _, g := range files {
		if off := g.settings.Off; off != nil && vm.Proxy != nil && vm.Proxy.Scope != "user" {
			return conflict(&topology.Element{Name: vm.Name, Origin: vm.Proxy.Origin}, &topology.Element{Origin: *off}, "the proxy of the system account")
		}
	}
	for _, g := range files {
		// A user's setting counts only where the system account has none.
		if p := g.settings.User; p != nil && (vm.Proxy == nil || vm.Proxy.Scope == "user") {
			if err := setProxy(vm, p); err != nil {
				return err
			}
		}
	}
	for _, g := range files {
		if !g.refused {
			continue
		}
		if vm.Proxy == nil || vm.Proxy.Scope == "user" {
			vm.Proxy = &topology.ProxySetting{Scope: "system", Origin: topology.Origin{File: g.file}}
		}
		vm.Proxy.Undecided = "the file " + g.file + ", which may set another proxy, was refused"
	}
	return nil
}

// setProxy gives a machine a proxy setting, or compares it with the one that
// it has: both must lead to the same proxy.
func setProxy(vm *topology.VirtualMachine, p *topology.ProxySetting) error {
	old := vm.Proxy
	switch {
	case old == nil:
		vm.Proxy = p
		return nil
	case p.Undecided != "" && p.Host == "":
		// What is chosen by a script may be what the other file names.
		old.Undecided = p.Undecided
		return nil
	case old.Undecided != "" && old.Host == "":
		p.Undecided = old.Undecided
		vm.Proxy = p
		return nil
	case !strings.EqualFold(old.Host, p.Host) || old.Port != p.Port || old.Scope != p.Scope:
		return conflict(&topology.Element{Name: vm.Name, Origin: old.Origin}, &topology.Element{Origin: p.Origin}, "the proxy setting")
	}
	old.Bypass = append(old.Bypass, p.Bypass...)
	if old.Undecided == "" {
		old.Undecided = p.Undecided
	}
	return nil
}

// nearestMachine names the machine that a folder may be meant for.
func nearestMachine(name string, order []topology.Any) string {
	var names []string
	for _, e := range order {
		if vm, ok := e.(*topology.VirtualMachine); ok {
			names = append(names, vm.Name)
		}
	}
	if near := source.Nearest(name, names); near != "" {
		return "did you mean " + source.Escape(near) + "?"
	}
	return "name the folder as the machine, or export the machine"
}
