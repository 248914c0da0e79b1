// Package golden is the small estate that the golden tests of the
// specification are written against (spec/azure-semantics.md, section 11),
// as a builder: [New] gives the fixture, one-line modifiers change it, and
// [Estate.Build] makes the network.
//
//	golden.New().
//		SubnetNSG("app", golden.Deny("block", 4000, golden.Out).To("Internet")).
//		Routes("app", golden.Via("to-nva", "0.0.0.0/0", golden.NVA)).
//		Build()
//
// The fixture has no NSG, no route table and no public IP address. Every
// property that an Azure export always holds is set, so nothing in it is a
// matter of an assumption. Names are bare: subnets "app", "dmz", "db",
// virtual machines "a1", "b1", network interfaces "a1-nic".
//
// A modifier that names something the estate does not have panics: the
// estate is written by a test, and the test is wrong.
package golden
