// Package arm reads Azure's own shapes of its resources into the topology:
// ARM REST with its nested "properties", az and Az PowerShell with everything
// flattened, Resource Graph rows, the effective views of Network Watcher. What
// differs between these dialects is small (nesting, letter case, lists under
// singular names), so one decoder for each resource type reads them all.
package arm
