//go:build unix

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netpath/netpath/internal/report"
)

// secret is a place of an export where a secret may stand.
type secret struct {
	kind string // of the resource, as in its resource type
	path string // below the resource; a number is an index
	text string // with %s where the secret stands; "" for the secret alone
}

// secrets are the places that are tried, each with a canary of its own. They
// are all in one estate.
var secrets = []secret{
	{"Compute/virtualMachines", "properties/osProfile/adminPassword", ""},
	{"Compute/virtualMachines", "properties/osProfile/customData", ""},
	{"Compute/virtualMachines", "properties/osProfile/secrets/0/vaultCertificates/0/certificateUrl", "https://vault.example/secrets/%s"},
	{"Compute/virtualMachines", "properties/osProfile/windowsConfiguration/additionalUnattendContent/0/content", "<AutoLogon><Password>%s</Password></AutoLogon>"},
	{"Compute/virtualMachines", "properties/osProfile/windowsConfiguration/winRM/listeners/0/certificateUrl", "https://vault.example/%s"},
	{"Compute/virtualMachines", "properties/osProfile/linuxConfiguration/ssh/publicKeys/0/keyData", "ssh-rsa %s"},
	{"Compute/virtualMachines", "properties/userData", ""},
	{"Compute/virtualMachines", "properties/diagnosticsProfile/bootDiagnostics/storageUri", "https://diag.blob.core.windows.net/?sv=2020&sig=%s"},
	{"Compute/virtualMachines", "properties/storageProfile/osDisk/vhd/uri", "https://disks.blob.core.windows.net/vhds/os.vhd?sv=2020&sig=%s"},
	{"Compute/virtualMachines", "properties/storageProfile/osDisk/encryptionSettings/diskEncryptionKey/secretUrl", "https://vault.example/secrets/%s"},
	{"Compute/virtualMachines", "properties/storageProfile/osDisk/encryptionSettings/keyEncryptionKey/keyUrl", "https://vault.example/keys/%s"},
	{"Compute/virtualMachines", "resources/0/properties/protectedSettings/commandToExecute", "mount -o password=%s"},
	{"Compute/virtualMachines", "resources/0/properties/protectedSettings/storageAccountKey", ""},
	{"Compute/virtualMachines", "resources/0/properties/settings/connectionString", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=%s"},
	{"Compute/virtualMachines", "tags/db-password", ""},
	{"Compute/virtualMachines", "properties/unheardOfPassword", ""},
	{"Compute/virtualMachines", "properties/unheardOfSettings/connectionString", "Server=tcp:db;User ID=u;Pwd=%s"},
	{"Compute/virtualMachines", "properties/unheardOf", "Endpoint=sb://bus/;SharedAccessKey=%s"},
	{"Network/virtualNetworkGateways", "properties/vpnClientConfiguration/radiusServerSecret", ""},
	{"Network/virtualNetworkGateways", "properties/vpnClientConfiguration/radiusServers/0/radiusServerSecret", ""},
	{"Network/virtualNetworkGateways", "properties/vpnClientConfiguration/vpnClientRootCertificates/0/properties/publicCertData", ""},
	{"Network/virtualNetworkGateways", "properties/customPreSharedKey", ""},
	{"Network/connections", "properties/sharedKey", ""},
	{"Network/connections", "properties/authorizationKey", ""},
	{"Network/connections", "properties/unheardOf", ""},
	{"Network/networkSecurityGroups", "properties/securityRules/0/properties/unheardOfToken", ""},
	{"Network/networkSecurityGroups", "properties/securityRules/0/properties/unheardOf/value", "?sv=2020-08-04&sig=%s"},
	{"Network/networkSecurityGroups", "tags/token", ""},
	{"Network/networkInterfaces", "properties/unheardOfCredential", ""},
	{"Network/networkInterfaces", "properties/ipConfigurations/0/properties/unheardOf/0/content", "Bearer %s"},
	{"Network/routeTables", "properties/routes/0/properties/unheardOf", "key=%s"},
	{"Network/loadBalancers", "properties/unheardOf/passphrase", ""},
	{"Network/firewallPolicies", "properties/transportSecurity/certificateAuthority/keyVaultSecretId", "https://vault.example/secrets/%s"},
	{"Network/firewallPolicies", "properties/unheardOf", "SharedAccessSignature sr=a&sig=%s"},
	{"Storage/storageAccounts", "keys/0/value", ""},
	{"Storage/storageAccounts", "properties/connectionString", "DefaultEndpointsProtocol=https;AccountKey=%s"},
	{"Storage/storageAccounts", "properties/primaryEndpoints/blob", "https://a.blob.core.windows.net/?sig=%s"},
	{"Storage/storageAccounts", "properties/customDomain/name", "user:%s@host"},
	{"RecoveryServices/vaults", "properties/encryption/keyVaultProperties/keyUri", "https://vault.example/keys/%s"},
	{"RecoveryServices/vaults", "properties/vaultCredentials", ""},
}

// canary is the text of the secret of that number.
func canary(i int) string { return fmt.Sprintf("Canary%02dx7Qf", i) }

// plant sets a value below a resource and makes what is missing on the way.
func plant(at any, path []string, value string) any {
	if len(path) == 0 {
		return value
	}
	if path[0] == "0" {
		list, _ := at.([]any)
		if len(list) == 0 {
			list = []any{nil}
		}
		list[0] = plant(list[0], path[1:], value)
		return list
	}
	m, _ := at.(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	m[path[0]] = plant(m[path[0]], path[1:], value)
	return m
}

// keysAs returns the value with every key of its objects changed.
func keysAs(v any, change func(string) string) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[change(k)] = keysAs(x, change)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = keysAs(x, change)
		}
		return out
	default:
		return v
	}
}

// flat lifts the content of every "properties" to its owner, as az prints it.
func flat(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			if inner, ok := x.(map[string]any); ok && k == "properties" {
				for k, x := range inner {
					out[k] = flat(x)
				}
				continue
			}
			out[k] = flat(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = flat(x)
		}
		return out
	default:
		return v
	}
}

// planted is one resource of each kind that has secrets, with all of them.
func planted(t *testing.T) map[string]any {
	t.Helper()
	const text = `[
	{"type": "Microsoft.Compute/virtualMachines", "name": "sec1", "properties": {"networkProfile": {"networkInterfaces": [{"id": "ROOT/Microsoft.Network/networkInterfaces/sec1-nic"}]}}},
	{"type": "Microsoft.Network/virtualNetworkGateways", "name": "gw1", "properties": {"gatewayType": "Vpn", "ipConfigurations": [{"name": "c", "properties": {"subnet": {"id": "ROOT/Microsoft.Network/virtualNetworks/v1/subnets/GatewaySubnet"}}}]}},
	{"type": "Microsoft.Network/connections", "name": "con1", "properties": {"connectionType": "IPsec", "connectionStatus": "Connected", "virtualNetworkGateway1": {"id": "ROOT/Microsoft.Network/virtualNetworkGateways/gw1"}}},
	{"type": "Microsoft.Network/networkSecurityGroups", "name": "sec-nsg", "properties": {"securityRules": [{"name": "r", "properties": {"priority": 100, "direction": "Outbound", "access": "Allow", "protocol": "*", "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "Storage", "destinationPortRange": "443"}}]}},
	{"type": "Microsoft.Network/networkInterfaces", "name": "sec1-nic", "properties": {"networkSecurityGroup": {"id": "ROOT/Microsoft.Network/networkSecurityGroups/sec-nsg"}, "ipConfigurations": [{"name": "c", "properties": {"privateIPAddress": "10.0.3.77", "subnet": {"id": "ROOT/Microsoft.Network/virtualNetworks/v1/subnets/free"}}}]}},
	{"type": "Microsoft.Network/routeTables", "name": "sec-rt", "properties": {"routes": [{"name": "r", "properties": {"addressPrefix": "10.88.0.0/16", "nextHopType": "None"}}]}},
	{"type": "Microsoft.Network/loadBalancers", "name": "sec-lb", "sku": {"name": "Standard"}, "properties": {}},
	{"type": "Microsoft.Network/firewallPolicies", "name": "sec-fp", "properties": {}},
	{"type": "Microsoft.Storage/storageAccounts", "name": "secstore", "properties": {}},
	{"type": "Microsoft.RecoveryServices/vaults", "name": "sec-vault", "properties": {}}
	]`
	var list []map[string]any
	root := "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg1/providers"
	if err := json.Unmarshal([]byte(strings.ReplaceAll(text, "ROOT", root)), &list); err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for _, r := range list {
		kind := r["type"].(string)
		r["id"], r["location"] = root+"/"+kind+"/"+r["name"].(string), "westeurope"
		out[strings.TrimPrefix(kind, "Microsoft.")] = r
	}
	for i, s := range secrets {
		r, ok := out[s.kind]
		if !ok {
			t.Fatalf("there is no %s", s.kind)
		}
		value := canary(i)
		if s.text != "" {
			value = fmt.Sprintf(s.text, value)
		}
		out[s.kind] = plant(r, strings.Split(s.path, "/"), value)
	}
	return out
}

// leaks names the secrets whose canary is in the text.
func leaks(text []byte) []string {
	var list []string
	for i, s := range secrets {
		if bytes.Contains(text, []byte(canary(i))) {
			list = append(list, s.kind+"/"+s.path)
		}
	}
	for _, word := range []string{"CanaryGuest", "CanaryDesign", "CanaryTags", "CanaryXML", "CanaryPolicy", "CanaryBroken"} {
		if bytes.Contains(text, []byte(word)) {
			list = append(list, word)
		}
	}
	return list
}

// noLeak runs every command over the inputs of the case's folder in every
// format and looks for canaries in all that is printed or written.
func (c *inputCase) noLeak(what string, inputs ...string) {
	c.Helper()
	var lines [][]string
	for _, format := range report.Formats() {
		for _, line := range [][]string{
			{"trace", "--from", "sec1", "--to", "Storage", "--port", "443"},
			{"trace", "--from", "sec1", "--to", "203.0.113.9", "--port", "443", "--all-blockers", "--ci"},
			{"ip-flow", "--vm", "sec1", "--direction", "Outbound", "--local", "10.0.3.77:50000", "--remote", "20.60.0.9:443"},
			{"effective-rules", "--vm", "sec1"}, {"effective-routes", "--vm", "sec1"},
			{"backup", "--vm", "sec1"}, {"backup", "--profile", "vm-2019", "--all-legs"},
		} {
			line = append(append([]string{line[0]}, inputs...), line[1:]...)
			lines = append(lines, append(line, "-o", format, "-v", "--as-of", theDay))
		}
	}
	answered := 0
	for _, line := range lines {
		r := c.netpath(line...)
		c.asked++
		if r.code != exitUsage && r.code != exitRefused {
			answered++
		}
		if l := leaks([]byte(r.stdout + r.stderr)); l != nil {
			c.Errorf("%s: netpath %s prints %v\n%s%s", what, strings.Join(line, " "), l, r.stdout, r.stderr)
			return
		}
	}
	c.Logf("%s: %d command lines, %d answered", what, len(lines), answered)
	if answered < len(lines)/4 {
		c.Errorf("%s: only %d of %d command lines were answered", what, answered, len(lines))
	}
	err := filepath.WalkDir(c.cache, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text := []byte(c.read(path))
		if z, err := gzip.NewReader(bytes.NewReader(text)); err == nil {
			if text, err = io.ReadAll(z); err != nil {
				return err
			}
		}
		if l := leaks(text); l != nil {
			c.Errorf("%s: the cache holds %v in %s", what, l, path)
		}
		return nil
	})
	if err != nil {
		c.Fatal(err)
	}
}

// Secrets that an export holds are not in any output: results, remarks with
// -v, errors, caches, in any format of the export and of the result.
func TestSecretsOfAnExportAreNeverShown(t *testing.T) {
	if len(secrets) < 40 {
		t.Fatalf("only %d secrets", len(secrets))
	}
	for _, dialect := range []struct {
		name, ext string
		shape     func(any) any
	}{
		{"ARM REST", ".json", func(v any) any { return v }},
		{"az", ".json", flat},
		{"Az PowerShell", ".json", func(v any) any {
			return keysAs(flat(v), func(k string) string { return strings.ToUpper(k[:1]) + k[1:] })
		}},
		{"gzip", ".json.gz", func(v any) any { return v }},
	} {
		t.Run(dialect.name, func(t *testing.T) {
			c := &inputCase{T: t, cache: t.TempDir()}
			c.start("export")
			for kind, r := range planted(t) {
				text, err := json.MarshalIndent(dialect.shape(r), "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasSuffix(dialect.ext, ".gz") {
					var b bytes.Buffer
					z := gzip.NewWriter(&b)
					z.Write(text)
					z.Close()
					text = b.Bytes()
				}
				c.write("secret-"+strings.ReplaceAll(kind, "/", "-")+dialect.ext, string(text))
			}
			r := c.netpath("trace", ".", "--from", "sec1", "--to", "20.60.0.9", "--port", "443", "--as-of", theDay, "-v")
			if r.code != exitOK && r.code != exitUndecided {
				t.Fatalf("the estate is not read: exit %d\n%s", r.code, r.stderr)
			}
			c.noLeak(dialect.name, ".")
		})
	}
}

// A secret beside the exports, in a service tag file or in the settings of a
// guest, is not shown either, whether the file is read or refused.
func TestSecretsBesideAnExportAreNeverShown(t *testing.T) {
	c := &inputCase{T: t, cache: t.TempDir()}
	c.export("ServiceTags_Public_20261120.json", `"cloud"`, `"accessToken": "CanaryTags", "cloud"`)
	if err := os.MkdirAll(filepath.Join("guests", "app1", "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"waagent.conf":    "HttpProxy.Host=http://user:CanaryGuest@10.0.4.10\nHttpProxy.Port=8080\nPassword=CanaryGuest\n",
		"etc/environment": "https_proxy=\"http://user:CanaryGuest@10.0.4.10:8080\"\nDB_PASSWORD=CanaryGuest\n",
		"proxy.reg":       "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_USERS\\S-1-5-18]\r\n\"ProxyServer\"=\"user:CanaryGuest@10.0.4.10:8080\"\r\n",
		"other.txt":       "CanaryGuest\n",
	} {
		file := filepath.Join("guests", "app1", name)
		c.write(file, text)
		for _, more := range [][]string{nil, {"-v"}, {"-v", "-o", "json"}, {"-v", "--keep-going"}} {
			r := c.netpath(append([]string{"trace", ".", "--from", "app1", "--to", "20.60.0.9", "--port", "443", "--as-of", theDay}, more...)...)
			if l := leaks([]byte(r.stdout + r.stderr)); l != nil || r.stdout+r.stderr == "" {
				t.Errorf("%s: %v\n%s%s", name, l, r.stdout, r.stderr)
			}
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
}

// An error shows what it complains about, but no secret that stands there.
func TestSecretsAreNotShownByErrors(t *testing.T) {
	for _, tc := range []struct{ name, file, text string }{
		{"a text that does not end", "x.json", `{"type": "Microsoft.Compute/virtualMachines", "properties": {"osProfile": {"adminPassword": "CanaryBroken`},
		{"a missing comma", "x.json", `{"type": "Microsoft.Compute/virtualMachines", "properties": {"osProfile": {"adminPassword": "CanaryBroken" "customData": "CanaryBroken"}}}`},
		{"a wrong escape", "x.json", `{"type": "Microsoft.Compute/virtualMachines", "properties": {"osProfile": {"adminPassword": "CanaryBroken\q"}}}`},
		{"a key twice", "x.json", `{"type": "Microsoft.Compute/virtualMachines", "properties": {"osProfile": {"adminPassword": "CanaryBroken", "adminPassword": "CanaryBroken2"}}}`},
		{"a bare word", "x.json", `{"type": "Microsoft.Compute/virtualMachines", "properties": {"osProfile": {"adminPassword": CanaryBroken}}}`},
		{"a proxy with a password", "x.yaml", "apiVersion: netpath/v1\nvirtualMachines:\n  - {name: sec9, proxy: {host: \"http://u:CanaryDesign@10.0.0.5\", port: 80}}\n"},
		{"an unknown key of a design", "x.yaml", "apiVersion: netpath/v1\nvirtualMachines:\n  - {name: sec9, adminPassword: CanaryDesign}\n"},
		{"a key of a design that is no list", "x.yaml", "apiVersion: netpath/v1\nvirtualMachines:\n  - {name: sec9, proxy: {host: 10.0.0.5, port: 80, password: CanaryDesign}}\n"},
		{"a YAML text that does not end", "x.yaml", "apiVersion: netpath/v1\nvirtualMachines:\n  - {name: sec9, adminPassword: \"CanaryDesign\n"},
		{"an XML attribute", "x.xml", `<AzurePublicIpAddresses Password="CanaryXML"><Region Name="europewest"><IpRange Subnet="10.0.0.0/33" Key="CanaryXML"/></Region></AzurePublicIpAddresses>`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &inputCase{T: t, cache: t.TempDir()}
			c.export("vms.json")
			c.write(tc.file, tc.text)
			for _, more := range [][]string{nil, {"-v"}, {"-o", "json"}, {"-v", "--keep-going"}} {
				args := append([]string{"trace", ".", tc.file, "--from", "app1", "--to", "20.60.0.9", "--port", "443", "--as-of", theDay}, more...)
				r := c.netpath(args...)
				if r.code == exitOK {
					t.Errorf("netpath %v accepts the file", args)
				}
				if l := leaks([]byte(r.stdout + r.stderr)); l != nil {
					t.Errorf("netpath %v prints %v\n%s%s", args, l, r.stdout, r.stderr)
				}
			}
		})
	}
	t.Run("a policy file", func(t *testing.T) {
		c := &inputCase{T: t}
		c.export("vms.json")
		c.write("policy.yaml", "apiVersion: netpath/v1\npassword: CanaryPolicy\nwaivers: [{id: CanaryPolicy}]\n")
		for _, args := range [][]string{asking([]string{"."}, "--policy", "policy.yaml"), asking([]string{"."}, "--policy", "policy.yaml", "-v", "-o", "json")} {
			if r := c.netpath(args...); r.code != exitUsage || strings.Contains(r.stdout, "CanaryPolicy") || strings.Contains(r.stderr, "password: CanaryPolicy") {
				t.Errorf("exit %d: %s%s", r.code, r.stdout, r.stderr)
			}
		}
	})
}
