package azure

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v9"

	"github.com/netpath/netpath/topology/load/property"
)

// models says which of the SDK's models are read by which shape of the
// loaders' property table.
var models = []struct {
	shape string
	model any
}{
	{"Microsoft.Network/networkSecurityGroups", armnetwork.SecurityGroup{}},
	{"Microsoft.Network/networkSecurityGroups/securityRules", armnetwork.SecurityRule{}},
	{"Microsoft.Network/applicationSecurityGroups", armnetwork.ApplicationSecurityGroup{}},
	{"Microsoft.Network/virtualNetworks", armnetwork.VirtualNetwork{}},
	{"Microsoft.Network/virtualNetworks/subnets", armnetwork.Subnet{}},
	{"Microsoft.Network/virtualNetworks/virtualNetworkPeerings", armnetwork.VirtualNetworkPeering{}},
	{"Microsoft.Network/networkInterfaces", armnetwork.Interface{}},
	{"Microsoft.Network/networkInterfaces/ipConfigurations", armnetwork.InterfaceIPConfiguration{}},
	{"Microsoft.Network/publicIPAddresses", armnetwork.PublicIPAddress{}},
	{"Microsoft.Network/natGateways", armnetwork.NatGateway{}},
	{"Microsoft.Network/routeTables", armnetwork.RouteTable{}},
	{"Microsoft.Network/routeTables/routes", armnetwork.Route{}},
	{"Microsoft.Network/virtualNetworkGateways", armnetwork.VirtualNetworkGateway{}},
	{"Microsoft.Network/localNetworkGateways", armnetwork.LocalNetworkGateway{}},
	{"Microsoft.Network/connections", armnetwork.VirtualNetworkGatewayConnection{}},
	{"Microsoft.Network/loadBalancers", armnetwork.LoadBalancer{}},
	{"Microsoft.Network/privateEndpoints", armnetwork.PrivateEndpoint{}},
	{"Microsoft.Network/azureFirewalls", armnetwork.AzureFirewall{}},
	{"Microsoft.Network/firewallPolicies", armnetwork.FirewallPolicy{}},
	{"Microsoft.Network/firewallPolicies/ruleCollectionGroups", armnetwork.FirewallPolicyRuleCollectionGroup{}},
	{"Microsoft.Network/ipGroups", armnetwork.IPGroup{}},
	{"effectiveNetworkSecurityGroup", armnetwork.EffectiveNetworkSecurityGroup{}},
	{"effectiveRoute", armnetwork.EffectiveRoute{}},
	{"securityGroupView", armnetwork.SecurityGroupViewResult{}},
	{"Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules", armnetwork.AdminRule{}},
	{"Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules", armnetwork.DefaultAdminRule{}},
	{"Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules", armnetwork.EffectiveSecurityAdminRule{}},
	{"Microsoft.Network/networkManagers/securityAdminConfigurations/ruleCollections/rules", armnetwork.EffectiveDefaultSecurityAdminRule{}},
}

// variants are the models behind the SDK's interfaces.
var variants = map[reflect.Type][]any{
	reflect.TypeFor[armnetwork.FirewallPolicyRuleCollectionClassification](): {
		armnetwork.FirewallPolicyNatRuleCollection{}, armnetwork.FirewallPolicyFilterRuleCollection{}},
	reflect.TypeFor[armnetwork.FirewallPolicyRuleClassification](): {
		armnetwork.Rule{}, armnetwork.NatRule{}, armnetwork.ApplicationRule{}},
}

// notInSDK are used properties that exports carry and the SDK's models do not.
var notInSDK = []string{
	"resourceGroup", "resourceGroupName", // az and Az PowerShell add the group to every resource
	"location", "type", "name", "id", // of shapes shared by several models
	"destinationServiceTags", // effective routes of newer API versions
	"provisioningState",
	"effectiveSecurityRules",                                                                     // inside the associations of old security group views
	"destinationIpGroups", "destinationFqdns", "fqdnTags", "targetFqdns", "port", "protocolType", // of shapes shared by kinds of rule
	"translatedAddress", "translatedFqdn", "translatedPort",
}

func TestEveryPropertyOfTheSDKIsClassed(t *testing.T) {
	table, err := property.NewTable()
	if err != nil {
		t.Fatal(err)
	}
	w := walker{t: t, done: map[visit]bool{}, seen: map[*property.Property]bool{}, shapes: map[*property.Shape]bool{}}
	for _, m := range models {
		shape := table.Shape(m.shape)
		if shape == nil {
			t.Fatalf("the table has no shape %s", m.shape)
		}
		w.model(reflect.TypeOf(m.model), shape)
	}
	if len(w.done) < 60 {
		t.Errorf("only %d models were walked: the walk does not reach what it should", len(w.done))
	}
	for shape := range w.shapes {
		for _, p := range shape.Properties() {
			if p.Class == property.Used && !w.seen[p] && !slices.Contains(notInSDK, p.Name) {
				t.Errorf("%s: the table uses %s, which the SDK does not know", shape.Name, p.Name)
			}
		}
	}
}

type visit struct {
	model reflect.Type
	shape *property.Shape
}

type walker struct {
	t      *testing.T
	done   map[visit]bool
	seen   map[*property.Property]bool
	shapes map[*property.Shape]bool
}

func (w *walker) model(typ reflect.Type, shape *property.Shape) {
	if w.done[visit{typ, shape}] {
		return
	}
	w.done[visit{typ, shape}] = true
	w.shapes[shape] = true
	fields := keysOf(w.t, typ)
	bag, nested := fields["properties"]
	for key, ft := range fields {
		if key == "properties" {
			continue
		}
		w.property(typ, key, ft, shape, nested)
	}
	if nested {
		for key, ft := range keysOf(w.t, element(bag)) {
			w.property(typ, key, ft, shape, false)
		}
	}
}

func (w *walker) property(model reflect.Type, key string, ft reflect.Type, shape *property.Shape, beside bool) {
	p := shape.Property(key)
	if p == nil {
		if !shape.Open {
			w.t.Errorf("%s: %s.%s is not classed", shape.Name, model.Name(), key)
		}
		return
	}
	w.seen[p] = true
	if p.Name != key && !strings.EqualFold(p.Name, key) {
		w.t.Errorf("%s: %s is written %s in the table", shape.Name, key, p.Name)
	}
	if beside && !p.Beside {
		w.t.Errorf("%s: %s stands beside properties, the table has it inside", shape.Name, key)
	}
	inner := element(ft)
	switch {
	case p.Shape != nil && p.Shape.Open:
	case p.Shape != nil && inner.Kind() == reflect.Interface:
		list, ok := variants[inner]
		if !ok {
			w.t.Errorf("%s.%s: the models behind %s are not listed in this test", shape.Name, key, inner)
		}
		for _, v := range list {
			w.model(reflect.TypeOf(v), p.Shape)
		}
	case p.Shape != nil && isModel(inner):
		w.model(inner, p.Shape)
	case p.Class == property.Used && isModel(inner):
		w.t.Errorf("%s.%s is used, but its parts (%s) are not classed", shape.Name, key, inner.Name())
	}
}

// element strips pointers, slices and maps.
func element(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return t
}

func isModel(t reflect.Type) bool {
	return t.Kind() == reflect.Interface && t.NumMethod() > 0 || t.Kind() == reflect.Struct && strings.Contains(t.PkgPath(), "armnetwork")
}

// keysOf finds the JSON key of each field of a model. The models have no tags:
// each field is set alone and the model is marshalled.
func keysOf(t *testing.T, typ reflect.Type) map[string]reflect.Type {
	t.Helper()
	if typ.Kind() != reflect.Struct {
		t.Fatalf("%s is no model", typ)
	}
	always := marshalled(t, reflect.New(typ).Interface())
	out := map[string]reflect.Type{}
	for i := range typ.NumField() {
		v := reflect.New(typ)
		f := v.Elem().Field(i)
		ft := f.Type()
		switch ft.Kind() {
		case reflect.Pointer:
			f.Set(reflect.New(ft.Elem()))
		case reflect.Slice:
			f.Set(reflect.MakeSlice(ft, 0, 0))
		case reflect.Map:
			f.Set(reflect.MakeMap(ft))
		case reflect.Interface: // any: a value of no particular type
			if ft.NumMethod() > 0 {
				t.Fatalf("%s.%s: an interface outside a list", typ, typ.Field(i).Name)
			}
			f.Set(reflect.ValueOf("x"))
		default:
			t.Fatalf("%s.%s: fields of kind %s are not expected", typ, typ.Field(i).Name, ft.Kind())
		}
		var keys []string
		for key := range marshalled(t, v.Interface()) {
			if _, fixed := always[key]; !fixed {
				keys = append(keys, key)
			}
		}
		switch len(keys) {
		case 1:
			out[keys[0]] = ft
		case 0: // a discriminator, which is always written
		default:
			t.Fatalf("%s.%s is written as %v", typ, typ.Field(i).Name, keys)
		}
	}
	for key := range always {
		out[key] = reflect.TypeFor[string]()
	}
	return out
}

func marshalled(t *testing.T, v any) map[string]json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]json.RawMessage{}
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}
