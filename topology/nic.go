package topology

import "net/netip"

// NetworkInterface is a network interface. Virtual machine scale set
// instances are interfaces too, as far as exported.
type NetworkInterface struct {
	Element
	IPConfigurations     []*IPConfiguration
	NetworkSecurityGroup Ref    // zero: none
	EnableIPForwarding   Switch // default false
	VirtualMachine       Ref
	Primary              Switch // of its virtual machine
	PrivateEndpoint      Ref    // set: the interface belongs to a private endpoint
	DefaultOutbound      Switch // defaultOutboundConnectivityEnabled (DOA)
}

// IPConfiguration is one address of a network interface.
type IPConfiguration struct {
	Element
	PrivateIPAddress netip.Addr // invalid where none is allocated yet
	Subnet           Ref
	PublicIPAddress  Ref // zero: none
	Primary          Switch
	ASGs             []Ref
	BackendPools     []Ref // load balancer backend pools
	InboundNATRules  []Ref
	PublicIPUnknown  bool // an expression that was not evaluated, or a public IP address says that it belongs here and the interface does not
}

// PublicIPAddress is a public IP address resource.
type PublicIPAddress struct {
	Element
	IPAddress        netip.Addr // invalid where none is allocated or exported
	SKU              string     // "Basic", "Standard"; "" where not said
	AllocationMethod string     // "Static", "Dynamic"; "" where not said
	IPConfiguration  Ref        // back reference
	NATGateway       Ref        // back reference
}

// NATGateway is a NAT gateway; subnets refer to it (NAT).
type NATGateway struct {
	Element
	PublicIPs      []Ref        // publicIpAddresses
	PublicPrefixes []Ref        // publicIpPrefixes, by reference
	Addresses      []netip.Addr // given directly in a design
	Subnets        []Ref        // back references
}

// LoadBalancer is a Basic or Standard load balancer (LBO).
type LoadBalancer struct {
	Element
	SKU           string // "Basic", "Standard"; "" where not said (documented default Basic)
	Frontends     []*Frontend
	BackendPools  []*BackendPool
	Rules         []*LoadBalancingRule
	NATRules      []*InboundNATRule
	OutboundRules []*OutboundRule
}

// Frontend is a frontend IP configuration: public or in a subnet.
type Frontend struct {
	Element
	PublicIPAddress  Ref
	PublicAddress    netip.Addr // given directly in a design
	Subnet           Ref
	PrivateIPAddress netip.Addr
}

// BackendPool is a backend address pool; members are IP configurations.
type BackendPool struct {
	Element
	IPConfigurations []Ref        // backendIPConfigurations, or the primary ones of interfaces a design names
	Interfaces       []Ref        // interfaces a design names
	Addresses        []netip.Addr // loadBalancerBackendAddresses by address
}

// LoadBalancingRule maps a frontend port to a backend port. The load balancer
// keeps the client's source address (spec 2.4).
type LoadBalancingRule struct {
	Element
	Frontend            Ref
	BackendPools        []Ref
	Protocol            Protocol
	FrontendPort        int // 0 with protocol All: HA ports
	BackendPort         int
	EnableFloatingIP    Switch
	DisableOutboundSNAT Switch
}

// InboundNATRule forwards a frontend port to one backend IP configuration.
type InboundNATRule struct {
	Element
	Frontend               Ref
	BackendIPConfiguration Ref
	Protocol               Protocol
	FrontendPort           int
	BackendPort            int
}

// OutboundRule gives a backend pool an explicit way out (LBO).
type OutboundRule struct {
	Element
	Frontends   []Ref
	BackendPool Ref
	Protocol    Protocol // TCP, UDP or AnyProtocol
}

// PrivateEndpoint is a private endpoint: a service's address inside a subnet
// (PE).
type PrivateEndpoint struct {
	Element
	Subnet            Ref
	Addresses         []netip.Addr
	NetworkInterfaces []Ref
	Services          []string // group IDs: "blob", "vault", …
	HostNames         []string // customDnsConfigs or a design's hostName
	TargetResource    Ref      // privateLinkServiceId
	ConnectionState   string   // "Approved", "Pending", …; "" where not said
	ASGs              []Ref
}
