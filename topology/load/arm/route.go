package arm

import (
	"net/netip"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

func (r *Reader) routeTable(o *object) {
	t := &topology.RouteTable{
		Element:               o.element("", ""),
		DisableBGPPropagation: o.toggle("disableBgpRoutePropagation"),
		Subnets:               o.refs("subnets"),
	}
	var routes []*object
	routes, t.RoutesGiven = o.objects("routes")
	if t.RoutesGiven {
		t.Routes = make([]*topology.Route, 0, len(routes))
	} else {
		r.File.Say(source.Doubt, o.node, "export the route table itself", "%s comes without its routes", source.Quote(t.Name))
	}
	for _, ro := range routes {
		t.Routes = append(t.Routes, r.readRoute(ro, t.ResourceID))
	}
	if r.File.Err == nil {
		CheckRoutes(r.File, t)
		r.add(t)
	}
}

func (r *Reader) route(o *object) {
	rt := r.readRoute(o, "")
	if r.File.Err == nil {
		r.add(rt)
	}
}

// userNextHops are the next hop types that a user-defined route may have.
var userNextHops = []string{string(topology.NextHopGateway), string(topology.NextHopVnetLocal), string(topology.NextHopInternet),
	string(topology.NextHopVirtualAppliance), string(topology.NextHopNone)}

func (r *Reader) readRoute(o *object, parent string) *topology.Route {
	rt := &topology.Route{Element: o.element(parent, "routes")}
	ReadRoute(r.File, rt, o.node, o.get("addressPrefix"), o.get("nextHopType"), o.get("nextHopIpAddress"))
	return rt
}

// ReadRoute reads the properties of a user-defined route at n into rt.
func ReadRoute(f *source.File, rt *topology.Route, n, prefix, hop, hopIP *doctree.Node) {
	if source.IsEmpty(prefix) {
		f.RefuseAt(n, "expected a route with an addressPrefix", "")
		return
	}
	rt.Destination = f.Address(prefix)
	switch rt.Destination.Kind {
	case topology.AnyAddress:
		f.Refuse(prefix, "expected a CIDR block or a service tag", "the default route is 0.0.0.0/0")
		return
	case topology.UnresolvedAddress:
		rt.Unresolved = true
	}
	unresolved := func(m *doctree.Node) bool {
		text, is := expression(m)
		if is {
			f.Say(source.Doubt, m, "export the deployed resource instead of a template", "the expression %s is not evaluated", source.Quote(text))
			rt.Unresolved = true
		}
		return is
	}
	if !unresolved(hop) {
		word := f.OneOf(hop, userNextHops...)
		if word == "" {
			f.RefuseAt(n, "expected a route with a nextHopType: "+source.Or(userNextHops), "")
			return
		}
		rt.NextHop = topology.NextHopType(word)
	}
	if unresolved(hopIP) {
		return
	}
	rt.NextHopIP = f.Addr(hopIP)
	switch {
	case f.Err != nil || rt.Unresolved:
	case rt.NextHop == topology.NextHopVirtualAppliance && !rt.NextHopIP.IsValid():
		f.RefuseAt(n, "expected a nextHopIpAddress for a route to a VirtualAppliance", "")
	case rt.NextHop != topology.NextHopVirtualAppliance && rt.NextHopIP.IsValid():
		f.Say(source.Warning, hopIP, "", "route %s has a next hop address, which its next hop type %s does not use", source.Quote(rt.Name), rt.NextHop)
		rt.NextHopIP = netip.Addr{}
	}
}

// CheckRoutes warns of routes that Azure would refuse: names and prefixes used
// twice (bad-inputs row 134).
func CheckRoutes(f *source.File, t *topology.RouteTable) {
	seen := map[string]*topology.Route{}
	for _, rt := range t.Routes {
		key := rt.Destination.Prefix.String()
		switch rt.Destination.Kind {
		case topology.TagAddress:
			key = strings.ToLower(rt.Destination.Tag)
		case topology.UnresolvedAddress:
			continue
		}
		if old := seen[key]; old != nil {
			s, hint := source.Warning, ""
			if old.NextHop != rt.NextHop || old.NextHopIP != rt.NextHopIP {
				s, hint = source.Doubt, "where the two differ the verdict is Unknown"
			}
			f.Add(source.Diagnostic{Severity: s, Origin: rt.Origin, Hint: hint,
				Message: "routes " + source.Quote(old.Name) + " and " + source.Quote(rt.Name) + " of " + source.Escape(t.Name) + " have the same prefix"})
			continue
		}
		seen[key] = rt
	}
}
