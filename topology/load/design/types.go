package design

import "github.com/netpath/netpath/internal/doctree"

// The values of a design file keep their node, and with it their place. Each
// type says what a value means; the JSON Schema is made from these types.
type (
	Text      struct{ N *doctree.Node } // a string
	Texts     struct{ N *doctree.Node } // a list of strings, or one
	Number    struct{ N *doctree.Node } // a whole number
	Quantity  struct{ N *doctree.Node } // a number
	Bool      struct{ N *doctree.Node } // true or false
	Name      struct{ N *doctree.Node } // the name or resource ID of another element; "" for none
	Names     struct{ N *doctree.Node } // a list of names or resource IDs
	Address   struct{ N *doctree.Node } // an IP address
	Addresses struct{ N *doctree.Node } // a list of IP addresses
	Prefixes  struct{ N *doctree.Node } // a list of CIDR blocks, or one
	Match     struct{ N *doctree.Node } // "*", an address, a CIDR block or a service tag
	Matches   struct{ N *doctree.Node } // a list of Match
	Ports     struct{ N *doctree.Node } // "443", "80-443", "*", or a list of these
	Labels    struct{ N *doctree.Node } // resource tags: names with their values
)

// File is a design file.
type File struct {
	APIVersion                Text              `json:"apiVersion"`
	VirtualNetworks           []VirtualNetwork  `json:"virtualNetworks,omitempty"`
	NetworkSecurityGroups     []SecurityGroup   `json:"networkSecurityGroups,omitempty"`
	ApplicationSecurityGroups []Plain           `json:"applicationSecurityGroups,omitempty"`
	RouteTables               []RouteTable      `json:"routeTables,omitempty"`
	NetworkManagerAdminRules  []AdminRule       `json:"networkManagerAdminRules,omitempty"`
	PublicIPAddresses         []PublicIPAddress `json:"publicIPAddresses,omitempty"`
	NATGateways               []NATGateway      `json:"natGateways,omitempty"`
	LoadBalancers             []LoadBalancer    `json:"loadBalancers,omitempty"`
	AzureFirewalls            []Firewall        `json:"azureFirewalls,omitempty"`
	FirewallPolicies          []FirewallPolicy  `json:"firewallPolicies,omitempty"`
	IPGroups                  []IPGroup         `json:"ipGroups,omitempty"`
	VirtualNetworkGateways    []Gateway         `json:"virtualNetworkGateways,omitempty"`
	LocalNetworkGateways      []LocalGateway    `json:"localNetworkGateways,omitempty"`
	Connections               []Connection      `json:"connections,omitempty"`
	PrivateEndpoints          []PrivateEndpoint `json:"privateEndpoints,omitempty"`
	NetworkInterfaces         []Interface       `json:"networkInterfaces,omitempty"`
	VirtualMachines           []Machine         `json:"virtualMachines,omitempty"`
	RecoveryServicesVaults    []Vault           `json:"recoveryServicesVaults,omitempty"`
	StorageAccounts           []StorageAccount  `json:"storageAccounts,omitempty"`
}

// Plain is what every element has. An overlay names the exported element by
// its id, or by its name where that is unique.
type Plain struct {
	At            *doctree.Node `json:"-"`
	Name          Text          `json:"name,omitempty"`
	ID            Text          `json:"id,omitempty"`
	Location      Text          `json:"location,omitempty"`
	ResourceGroup Text          `json:"resourceGroup,omitempty"`
	Tags          Labels        `json:"tags,omitempty"`
}

// VirtualNetwork is a virtual network.
type VirtualNetwork struct {
	Plain
	AddressPrefixes Prefixes  `json:"addressPrefixes,omitempty"`
	Subnets         []Subnet  `json:"subnets,omitempty"`
	Peerings        []Peering `json:"virtualNetworkPeerings,omitempty"`
}

// Subnet is a subnet.
type Subnet struct {
	Plain
	AddressPrefix                  Prefixes          `json:"addressPrefix,omitempty"`
	AddressPrefixes                Prefixes          `json:"addressPrefixes,omitempty"`
	NetworkSecurityGroup           Name              `json:"networkSecurityGroup,omitempty"`
	RouteTable                     Name              `json:"routeTable,omitempty"`
	NATGateway                     Name              `json:"natGateway,omitempty"`
	ServiceEndpoints               []ServiceEndpoint `json:"serviceEndpoints,omitempty"`
	DefaultOutboundAccess          Bool              `json:"defaultOutboundAccess,omitempty"`
	PrivateEndpointNetworkPolicies Text              `json:"privateEndpointNetworkPolicies,omitempty"`
	Delegations                    Texts             `json:"delegations,omitempty"`
}

// ServiceEndpoint is a service endpoint: its service's name, or an object.
type ServiceEndpoint struct {
	At        *doctree.Node `json:"-"`
	Service   Text          `json:"service"`
	Locations Texts         `json:"locations,omitempty"`
}

// Peering is one side of a peering.
type Peering struct {
	Plain
	RemoteVirtualNetwork      Name     `json:"remoteVirtualNetwork"`
	RemoteAddressPrefixes     Prefixes `json:"remoteAddressPrefixes,omitempty"`
	PeeringState              Text     `json:"peeringState,omitempty"`
	AllowVirtualNetworkAccess Bool     `json:"allowVirtualNetworkAccess,omitempty"`
	AllowForwardedTraffic     Bool     `json:"allowForwardedTraffic,omitempty"`
	AllowGatewayTransit       Bool     `json:"allowGatewayTransit,omitempty"`
	UseRemoteGateways         Bool     `json:"useRemoteGateways,omitempty"`
	PeerCompleteVnets         Bool     `json:"peerCompleteVnets,omitempty"`
	LocalSubnetNames          Texts    `json:"localSubnetNames,omitempty"`
	RemoteSubnetNames         Texts    `json:"remoteSubnetNames,omitempty"`
}

// SecurityGroup is a network security group.
type SecurityGroup struct {
	Plain
	SecurityRules []SecurityRule `json:"securityRules,omitempty"`
}

// SecurityRule is a rule, property by property as ARM has it.
type SecurityRule struct {
	At                                   *doctree.Node `json:"-"`
	Name                                 Text          `json:"name"`
	Description                          Text          `json:"description,omitempty"`
	Priority                             Number        `json:"priority"`
	Direction                            Text          `json:"direction"`
	Access                               Text          `json:"access"`
	Protocol                             Text          `json:"protocol"`
	SourceAddressPrefix                  Match         `json:"sourceAddressPrefix,omitempty"`
	SourceAddressPrefixes                Matches       `json:"sourceAddressPrefixes,omitempty"`
	SourceApplicationSecurityGroups      Names         `json:"sourceApplicationSecurityGroups,omitempty"`
	SourcePortRange                      Ports         `json:"sourcePortRange,omitempty"`
	SourcePortRanges                     Ports         `json:"sourcePortRanges,omitempty"`
	DestinationAddressPrefix             Match         `json:"destinationAddressPrefix,omitempty"`
	DestinationAddressPrefixes           Matches       `json:"destinationAddressPrefixes,omitempty"`
	DestinationApplicationSecurityGroups Names         `json:"destinationApplicationSecurityGroups,omitempty"`
	DestinationPortRange                 Ports         `json:"destinationPortRange,omitempty"`
	DestinationPortRanges                Ports         `json:"destinationPortRanges,omitempty"`
}

// RouteTable is a route table.
type RouteTable struct {
	Plain
	DisableBGPRoutePropagation Bool    `json:"disableBgpRoutePropagation,omitempty"`
	Routes                     []Route `json:"routes,omitempty"`
}

// Route is a user-defined route.
type Route struct {
	At               *doctree.Node `json:"-"`
	Name             Text          `json:"name"`
	AddressPrefix    Match         `json:"addressPrefix"`
	NextHopType      Text          `json:"nextHopType"`
	NextHopIPAddress Address       `json:"nextHopIpAddress,omitempty"`
}

// AdminRule is a security admin rule as deployed to virtual networks.
type AdminRule struct {
	Plain
	VirtualNetworks       Names   `json:"virtualNetworks"`
	Priority              Number  `json:"priority"`
	Direction             Text    `json:"direction"`
	Access                Text    `json:"access"`
	Protocol              Text    `json:"protocol"`
	Sources               Matches `json:"sources"`
	Destinations          Matches `json:"destinations"`
	SourcePortRanges      Ports   `json:"sourcePortRanges,omitempty"`
	DestinationPortRanges Ports   `json:"destinationPortRanges,omitempty"`
}

// PublicIPAddress is a public IP address; as a value of another element it may
// also be written as the bare address or name.
type PublicIPAddress struct {
	Plain
	IPAddress Address `json:"ipAddress,omitempty"`
	SKU       Text    `json:"sku,omitempty"`
}

// NATGateway is a NAT gateway with its public addresses.
type NATGateway struct {
	Plain
	PublicIPAddresses Texts `json:"publicIpAddresses,omitempty"`
	PublicIPPrefixes  Texts `json:"publicIpPrefixes,omitempty"`
}

// LoadBalancer is a load balancer.
type LoadBalancer struct {
	Plain
	SKU                      Text                `json:"sku,omitempty"`
	FrontendIPConfigurations []Frontend          `json:"frontendIPConfigurations,omitempty"`
	BackendAddressPools      []BackendPool       `json:"backendAddressPools,omitempty"`
	LoadBalancingRules       []LoadBalancingRule `json:"loadBalancingRules,omitempty"`
	InboundNATRules          []InboundNATRule    `json:"inboundNatRules,omitempty"`
	OutboundRules            []OutboundRule      `json:"outboundRules,omitempty"`
}

// Frontend is a frontend: a public address, or an address in a subnet.
type Frontend struct {
	At               *doctree.Node `json:"-"`
	Name             Text          `json:"name"`
	PublicIPAddress  Text          `json:"publicIPAddress,omitempty"`
	Subnet           Name          `json:"subnet,omitempty"`
	PrivateIPAddress Address       `json:"privateIPAddress,omitempty"`
}

// BackendPool is a backend address pool.
type BackendPool struct {
	At                *doctree.Node `json:"-"`
	Name              Text          `json:"name"`
	NetworkInterfaces Names         `json:"networkInterfaces,omitempty"`
	Addresses         Addresses     `json:"addresses,omitempty"`
}

// LoadBalancingRule is a load balancing rule.
type LoadBalancingRule struct {
	At                  *doctree.Node `json:"-"`
	Name                Text          `json:"name"`
	Frontend            Text          `json:"frontend"`
	Backend             Text          `json:"backend"`
	Protocol            Text          `json:"protocol"`
	FrontendPort        Number        `json:"frontendPort"`
	BackendPort         Number        `json:"backendPort"`
	EnableFloatingIP    Bool          `json:"enableFloatingIP,omitempty"`
	DisableOutboundSNAT Bool          `json:"disableOutboundSnat,omitempty"`
}

// InboundNATRule forwards a frontend port to one interface.
type InboundNATRule struct {
	At               *doctree.Node `json:"-"`
	Name             Text          `json:"name"`
	Frontend         Text          `json:"frontend"`
	NetworkInterface Name          `json:"networkInterface"`
	Protocol         Text          `json:"protocol"`
	FrontendPort     Number        `json:"frontendPort"`
	BackendPort      Number        `json:"backendPort"`
}

// OutboundRule gives a backend pool an explicit way out.
type OutboundRule struct {
	At       *doctree.Node `json:"-"`
	Name     Text          `json:"name"`
	Frontend Text          `json:"frontend"`
	Backend  Text          `json:"backend"`
	Protocol Text          `json:"protocol,omitempty"`
}

// Firewall is an Azure Firewall with classic rules or a policy.
type Firewall struct {
	Plain
	Subnet                     Name         `json:"subnet,omitempty"`
	PrivateIPAddress           Address      `json:"privateIPAddress,omitempty"`
	PublicIPAddresses          Texts        `json:"publicIPAddresses,omitempty"`
	FirewallPolicy             Name         `json:"firewallPolicy,omitempty"`
	ThreatIntelMode            Text         `json:"threatIntelMode,omitempty"`
	NATRuleCollections         []Collection `json:"natRuleCollections,omitempty"`
	NetworkRuleCollections     []Collection `json:"networkRuleCollections,omitempty"`
	ApplicationRuleCollections []Collection `json:"applicationRuleCollections,omitempty"`
}

// FirewallPolicy is a firewall policy.
type FirewallPolicy struct {
	Plain
	BasePolicy           Name              `json:"basePolicy,omitempty"`
	ThreatIntelMode      Text              `json:"threatIntelMode,omitempty"`
	RuleCollectionGroups []CollectionGroup `json:"ruleCollectionGroups,omitempty"`
}

// CollectionGroup is a rule collection group of a policy.
type CollectionGroup struct {
	At                         *doctree.Node `json:"-"`
	Name                       Text          `json:"name"`
	Priority                   Number        `json:"priority"`
	NATRuleCollections         []Collection  `json:"natRuleCollections,omitempty"`
	NetworkRuleCollections     []Collection  `json:"networkRuleCollections,omitempty"`
	ApplicationRuleCollections []Collection  `json:"applicationRuleCollections,omitempty"`
}

// Collection is a rule collection.
type Collection struct {
	At       *doctree.Node  `json:"-"`
	Name     Text           `json:"name"`
	Priority Number         `json:"priority"`
	Action   Text           `json:"action,omitempty"`
	Rules    []FirewallRule `json:"rules,omitempty"`
}

// FirewallRule is a rule of an Azure Firewall. The protocols of an application
// rule are written "https:443".
type FirewallRule struct {
	At                   *doctree.Node `json:"-"`
	Name                 Text          `json:"name"`
	Description          Text          `json:"description,omitempty"`
	Protocols            Texts         `json:"protocols,omitempty"`
	SourceAddresses      Matches       `json:"sourceAddresses,omitempty"`
	SourceIPGroups       Names         `json:"sourceIpGroups,omitempty"`
	DestinationAddresses Matches       `json:"destinationAddresses,omitempty"`
	DestinationIPGroups  Names         `json:"destinationIpGroups,omitempty"`
	DestinationFQDNs     Texts         `json:"destinationFqdns,omitempty"`
	DestinationPorts     Ports         `json:"destinationPorts,omitempty"`
	FQDNTags             Texts         `json:"fqdnTags,omitempty"`
	TargetFQDNs          Texts         `json:"targetFqdns,omitempty"`
	TargetURLs           Texts         `json:"targetUrls,omitempty"`
	WebCategories        Texts         `json:"webCategories,omitempty"`
	TranslatedAddress    Address       `json:"translatedAddress,omitempty"`
	TranslatedFQDN       Text          `json:"translatedFqdn,omitempty"`
	TranslatedPort       Number        `json:"translatedPort,omitempty"`
}

// IPGroup is a named list of addresses.
type IPGroup struct {
	Plain
	IPAddresses Matches `json:"ipAddresses,omitempty"`
}

// Gateway is a virtual network gateway. LearnedPrefixes is the complete list
// of what it learns over BGP and from local network gateways.
type Gateway struct {
	Plain
	VirtualNetwork    Name     `json:"virtualNetwork,omitempty"`
	GatewayType       Text     `json:"gatewayType,omitempty"`
	EnableBGP         Bool     `json:"enableBgp,omitempty"`
	LearnedPrefixes   Prefixes `json:"learnedPrefixes,omitempty"`
	ClientAddressPool Prefixes `json:"vpnClientAddressPool,omitempty"`
}

// LocalGateway is the on-premises side of a connection.
type LocalGateway struct {
	Plain
	AddressPrefixes Prefixes `json:"addressPrefixes,omitempty"`
	BGP             Bool     `json:"bgp,omitempty"`
}

// Connection joins a gateway to its other side.
type Connection struct {
	Plain
	ConnectionType         Text `json:"connectionType,omitempty"`
	VirtualNetworkGateway1 Name `json:"virtualNetworkGateway1"`
	VirtualNetworkGateway2 Name `json:"virtualNetworkGateway2,omitempty"`
	LocalNetworkGateway2   Name `json:"localNetworkGateway2,omitempty"`
	EnableBGP              Bool `json:"enableBgp,omitempty"`
}

// PrivateEndpoint is a private endpoint.
type PrivateEndpoint struct {
	Plain
	Subnet                    Name      `json:"subnet,omitempty"`
	PrivateIPAddress          Addresses `json:"privateIPAddress,omitempty"`
	Service                   Texts     `json:"service,omitempty"`
	HostName                  Texts     `json:"hostName,omitempty"`
	TargetResource            Name      `json:"targetResource,omitempty"`
	ConnectionState           Text      `json:"connectionState,omitempty"`
	ApplicationSecurityGroups Names     `json:"applicationSecurityGroups,omitempty"`
}

// Interface is a network interface. Its one address may be written at its top,
// several under ipConfigurations.
type Interface struct {
	Plain
	Subnet                    Name              `json:"subnet,omitempty"`
	PrivateIPAddress          Address           `json:"privateIPAddress,omitempty"`
	PublicIPAddress           *PublicIPAddress  `json:"publicIPAddress,omitempty"`
	NetworkSecurityGroup      Name              `json:"networkSecurityGroup,omitempty"`
	ApplicationSecurityGroups Names             `json:"applicationSecurityGroups,omitempty"`
	EnableIPForwarding        Bool              `json:"enableIPForwarding,omitempty"`
	Primary                   Bool              `json:"primary,omitempty"`
	IPConfigurations          []IPConfiguration `json:"ipConfigurations,omitempty"`
}

// IPConfiguration is one address of a network interface.
type IPConfiguration struct {
	At                        *doctree.Node    `json:"-"`
	Name                      Text             `json:"name"`
	Subnet                    Name             `json:"subnet,omitempty"`
	PrivateIPAddress          Address          `json:"privateIPAddress,omitempty"`
	PublicIPAddress           *PublicIPAddress `json:"publicIPAddress,omitempty"`
	ApplicationSecurityGroups Names            `json:"applicationSecurityGroups,omitempty"`
	Primary                   Bool             `json:"primary,omitempty"`
}

// Machine is a virtual machine. Its interfaces are written in place, or named.
type Machine struct {
	Plain
	OSType            Text          `json:"osType,omitempty"`
	OSName            Text          `json:"osName,omitempty"`
	VMAgent           *Agent        `json:"vmAgent,omitempty"`
	OSDisk            *Disk         `json:"osDisk,omitempty"`
	DataDisks         []Disk        `json:"dataDisks,omitempty"`
	VMSize            *Size         `json:"vmSize,omitempty"`
	Encryption        Text          `json:"encryption,omitempty"`
	NetworkInterfaces []Interface   `json:"networkInterfaces,omitempty"`
	HostFirewall      *HostFirewall `json:"hostFirewall,omitempty"`
	ProxyServer       *ProxyServer  `json:"proxyServer,omitempty"`
	Proxy             *Proxy        `json:"proxy,omitempty"`
}

// Agent is the VM agent.
type Agent struct {
	At        *doctree.Node `json:"-"`
	Installed Bool          `json:"installed,omitempty"`
	Version   Text          `json:"version,omitempty"`
}

// Disk is a disk.
type Disk struct {
	At             *doctree.Node `json:"-"`
	Name           Text          `json:"name,omitempty"`
	DiskSizeGB     Number        `json:"diskSizeGB,omitempty"`
	Managed        Bool          `json:"managed,omitempty"`
	Clustered      Bool          `json:"clustered,omitempty"`
	StorageAccount Text          `json:"storageAccount,omitempty"`
}

// Size is the size of a machine; the name alone may be written instead.
type Size struct {
	At       *doctree.Node `json:"-"`
	Name     Text          `json:"name,omitempty"`
	Cores    Number        `json:"cores,omitempty"`
	MemoryGB Quantity      `json:"memoryGB,omitempty"`
}

// HostFirewall is the guest's own firewall.
type HostFirewall struct {
	At             *doctree.Node      `json:"-"`
	InboundDefault Text               `json:"inboundDefault,omitempty"`
	Inbound        []HostFirewallRule `json:"inbound,omitempty"`
}

// HostFirewallRule is an inbound rule of the guest's firewall.
type HostFirewallRule struct {
	At            *doctree.Node `json:"-"`
	Name          Text          `json:"name"`
	Access        Text          `json:"access"`
	Protocol      Text          `json:"protocol,omitempty"`
	LocalPort     Ports         `json:"localPort,omitempty"`
	RemoteAddress Matches       `json:"remoteAddress,omitempty"`
}

// ProxyServer says that the machine runs an explicit HTTP proxy.
type ProxyServer struct {
	At             *doctree.Node `json:"-"`
	Port           Number        `json:"port"`
	Authentication Text          `json:"authentication,omitempty"`
	AllowHosts     Texts         `json:"allowHosts,omitempty"`
}

// Proxy is what the machine's backup extension uses to get out.
type Proxy struct {
	At    *doctree.Node `json:"-"`
	Host  Text          `json:"host"`
	Port  Number        `json:"port"`
	Scope Text          `json:"scope,omitempty"`
}

// Vault is a Recovery Services vault.
type Vault struct {
	Plain
	ProtectedVirtualMachines Names `json:"protectedVirtualMachines,omitempty"`
}

// StorageAccount is a storage account.
type StorageAccount struct {
	Plain
	NetworkDefaultAction Text     `json:"networkDefaultAction,omitempty"`
	BlobEncryption       Bool     `json:"blobEncryption,omitempty"`
	IPRules              Prefixes `json:"ipRules,omitempty"`
	VirtualNetworkRules  Names    `json:"virtualNetworkRules,omitempty"`
	Bypass               Texts    `json:"bypass,omitempty"`
}
