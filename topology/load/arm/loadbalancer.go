package arm

import (
	"github.com/netpath/netpath/topology"
)

func (r *Reader) loadBalancer(o *object) {
	if r.stub(o) {
		return
	}
	b := &topology.LoadBalancer{Element: o.element("", ""), SKU: o.sku("Basic", "Standard", "Gateway")}
	frontends, _ := o.objects("frontendIPConfigurations")
	for _, c := range frontends {
		b.Frontends = append(b.Frontends, r.readFrontend(c, b.ResourceID))
	}
	pools, _ := o.objects("backendAddressPools")
	for _, c := range pools {
		b.BackendPools = append(b.BackendPools, r.readBackendPool(c, b.ResourceID))
	}
	rules, _ := o.objects("loadBalancingRules")
	for _, c := range rules {
		b.Rules = append(b.Rules, r.readLoadBalancingRule(c, b.ResourceID))
	}
	nat, _ := o.objects("inboundNatRules")
	for _, c := range nat {
		b.NATRules = append(b.NATRules, r.readInboundNATRule(c, b.ResourceID))
	}
	out, _ := o.objects("outboundRules")
	for _, c := range out {
		b.OutboundRules = append(b.OutboundRules, r.readOutboundRule(c, b.ResourceID))
	}
	r.add(b)
}

func (r *Reader) frontend(o *object)          { r.addChild(o, r.readFrontend(o, "")) }
func (r *Reader) backendPool(o *object)       { r.addChild(o, r.readBackendPool(o, "")) }
func (r *Reader) loadBalancingRule(o *object) { r.addChild(o, r.readLoadBalancingRule(o, "")) }
func (r *Reader) inboundNATRule(o *object)    { r.addChild(o, r.readInboundNATRule(o, "")) }
func (r *Reader) outboundRule(o *object)      { r.addChild(o, r.readOutboundRule(o, "")) }

// addChild adds a child resource that was exported apart from its parent.
func (r *Reader) addChild(o *object, e topology.Any) {
	if !r.stub(o) && r.File.Err == nil {
		r.add(e)
	}
}

func (r *Reader) readFrontend(o *object, parent string) *topology.Frontend {
	return &topology.Frontend{
		Element:          o.element(parent, "frontendIPConfigurations"),
		PublicIPAddress:  o.ref("publicIPAddress"),
		Subnet:           o.ref("subnet"),
		PrivateIPAddress: r.File.Addr(o.get("privateIPAddress")),
	}
}

func (r *Reader) readBackendPool(o *object, parent string) *topology.BackendPool {
	p := &topology.BackendPool{
		Element:          o.element(parent, "backendAddressPools"),
		IPConfigurations: o.refs("backendIPConfigurations"),
	}
	members, _ := o.objects("loadBalancerBackendAddresses")
	for _, m := range members {
		if c := m.ref("networkInterfaceIPConfiguration"); !c.IsZero() {
			if !containsRef(p.IPConfigurations, c) {
				p.IPConfigurations = append(p.IPConfigurations, c)
			}
		} else if a := r.File.Addr(m.get("ipAddress")); a.IsValid() {
			p.Addresses = append(p.Addresses, a)
		}
	}
	return p
}

func containsRef(list []topology.Ref, ref topology.Ref) bool {
	for _, l := range list {
		if l.ID() == ref.ID() {
			return true
		}
	}
	return false
}

// transport reads a load balancer's protocol: Tcp, Udp or All.
func (o *object) transport(name string) topology.Protocol {
	return transports[o.r.File.OneOf(o.get(name), "Tcp", "Udp", "All")]
}

var transports = map[string]topology.Protocol{"Tcp": topology.TCP, "Udp": topology.UDP, "All": topology.AnyProtocol}

func (o *object) port(name string) int {
	if o.get(name) == nil {
		return 0
	}
	return o.r.File.Decimal(o.get(name), 0, 65535, "a port")
}

func (r *Reader) readLoadBalancingRule(o *object, parent string) *topology.LoadBalancingRule {
	rule := &topology.LoadBalancingRule{
		Element:             o.element(parent, "loadBalancingRules"),
		Frontend:            o.ref("frontendIPConfiguration"),
		BackendPools:        o.refs("backendAddressPools"),
		Protocol:            o.transport("protocol"),
		FrontendPort:        o.port("frontendPort"),
		BackendPort:         o.port("backendPort"),
		EnableFloatingIP:    o.toggle("enableFloatingIP"),
		DisableOutboundSNAT: o.toggle("disableOutboundSnat"),
	}
	if pool := o.ref("backendAddressPool"); !pool.IsZero() && !containsRef(rule.BackendPools, pool) {
		rule.BackendPools = append(rule.BackendPools, pool)
	}
	return rule
}

func (r *Reader) readInboundNATRule(o *object, parent string) *topology.InboundNATRule {
	return &topology.InboundNATRule{
		Element:                o.element(parent, "inboundNatRules"),
		Frontend:               o.ref("frontendIPConfiguration"),
		BackendIPConfiguration: o.ref("backendIPConfiguration"),
		Protocol:               o.transport("protocol"),
		FrontendPort:           o.port("frontendPort"),
		BackendPort:            o.port("backendPort"),
	}
}

func (r *Reader) readOutboundRule(o *object, parent string) *topology.OutboundRule {
	return &topology.OutboundRule{
		Element:     o.element(parent, "outboundRules"),
		Frontends:   o.refs("frontendIPConfigurations"),
		BackendPool: o.ref("backendAddressPool"),
		Protocol:    o.transport("protocol"),
	}
}
