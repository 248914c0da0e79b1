=== Bicep, the whole group, to resource group net of subscription 0000-1111
resource nsg_app 'Microsoft.Network/networkSecurityGroups@2023-11-01' = {
  name: 'nsg-app'
  location: 'westeurope'
  tags: {
    'owner': 'team \'\${net}\''
  }
  properties: {
    flushConnection: true
    securityRules: [
      {
        name: 'web'
        properties: {
          priority: 100
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          description: 'what\'s $open "now"'
          sourceAddressPrefixes: [
            '203.0.113.4'
            '198.51.100.0/24'
          ]
          sourcePortRange: '*'
          destinationAddressPrefix: '*'
          destinationPortRanges: [
            '80'
            '443-444'
          ]
        }
      }
      {
        name: 'members'
        properties: {
          priority: 110
          direction: 'Inbound'
          access: 'Allow'
          protocol: 'Tcp'
          sourcePortRange: '*'
          sourceApplicationSecurityGroups: [
            { id: '/subscriptions/0000-1111/resourceGroups/net/providers/Microsoft.Network/applicationSecurityGroups/web-servers' }
          ]
          destinationAddressPrefix: 'VirtualNetwork'
          destinationPortRange: '*'
        }
      }
    ]
  }
}
