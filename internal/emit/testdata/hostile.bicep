=== Bicep, to resource group g$(id)`x` of subscription s'1
resource n_s__g___x_ 'Microsoft.Network/networkSecurityGroups@2023-11-01' existing = {
  name: 'n"s\${g}\u{a}[x]'
}

resource allow_x 'Microsoft.Network/networkSecurityGroups/securityRules@2023-11-01' = {
  parent: n_s__g___x_
  name: 'allow-x'
  properties: {
    priority: 100
    direction: 'Outbound'
    access: 'Allow'
    protocol: 'Tcp'
    sourceAddressPrefix: '*'
    sourcePortRange: '*'
    destinationAddressPrefix: 'Internet'
    destinationPortRange: '443'
  }
}
