=== Bicep, to resource group net of subscription 0000-1111
resource nsg_lockdown 'Microsoft.Network/networkSecurityGroups@2023-11-01' existing = {
  name: 'NSG-lockdown'
}

resource allow_storage 'Microsoft.Network/networkSecurityGroups/securityRules@2023-11-01' = {
  parent: nsg_lockdown
  name: 'allow-storage'
  properties: {
    priority: 3999
    direction: 'Outbound'
    access: 'Allow'
    protocol: 'Tcp'
    sourceAddressPrefix: '10.0.0.4'
    sourcePortRange: '*'
    destinationAddressPrefix: 'Storage.WestEurope'
    destinationPortRange: '443'
  }
}

resource allow_ranges 'Microsoft.Network/networkSecurityGroups/securityRules@2023-11-01' = {
  parent: nsg_lockdown
  name: 'allow-ranges'
  properties: {
    priority: 3998
    direction: 'Outbound'
    access: 'Allow'
    protocol: 'Tcp'
    sourceAddressPrefix: '10.0.0.4'
    sourcePortRange: '*'
    destinationAddressPrefixes: [
      '52.239.140.0/22'
      '52.239.212.0/23'
    ]
    destinationPortRanges: [
      '443'
      '8443-8444'
    ]
  }
}
=== Bicep, to resource group other of subscription 0000-1111
resource nsg_in 'Microsoft.Network/networkSecurityGroups@2023-11-01' existing = {
  name: 'nsg-in'
}

resource deny_all 'Microsoft.Network/networkSecurityGroups/securityRules@2023-11-01' = {
  parent: nsg_in
  name: 'deny-all'
  properties: {
    priority: 100
    direction: 'Inbound'
    access: 'Deny'
    protocol: '*'
    sourceAddressPrefix: '*'
    sourcePortRange: '*'
    destinationAddressPrefix: '10.0.0.0/24'
    destinationPortRange: '*'
  }
}
=== /etc/waagent.conf on app1 (then restart the agent)
HttpProxy.Host=10.0.0.5
HttpProxy.Port=8080
=== /etc/environment on app1
http_proxy=http://10.0.0.5:8080
https_proxy=http://10.0.0.5:8080
=== command prompt (as administrator) on app2, sets the proxy of Local System
bitsadmin /util /setieproxy localsystem MANUAL_PROXY [fd00::5]:8080 NULL
=== /etc/waagent.conf on app3 (then restart the agent)
HttpProxy.Host=None
HttpProxy.Port=None
=== /etc/environment on app3
# take the lines http_proxy= and https_proxy= out
=== command prompt (as administrator) on app3, sets the proxy of Local System
bitsadmin /util /setieproxy localsystem NO_PROXY
=== PowerShell on proxy1
New-NetFirewallRule -DisplayName 'proxy-in' -Direction Inbound -Action Allow -Protocol TCP -LocalPort '8080' -RemoteAddress '10.0.0.4/32'
=== shell (as root) on proxy2
iptables -I INPUT -p tcp -s 10.0.0.4/32 -m multiport --dports 8080:8081 -j ACCEPT
ip6tables -I INPUT -p tcp -s fd00::4/128 -m multiport --dports 8080:8081 -j ACCEPT
=== allow list of the proxy on proxy1 (as Squid writes it)
acl netpath_allowed dstdomain .blob.core.windows.net
http_access allow CONNECT netpath_allowed
