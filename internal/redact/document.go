package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
)

// Redactor replaces names and addresses. Names must have been collected from
// every document before the first is rewritten.
type Redactor struct {
	key       []byte
	addresses *Addresses
	names     map[string]bool // in lower case: the names that elements have
}

// New makes a redactor of a key.
func New(key []byte, a *Addresses) *Redactor {
	return &Redactor{key: key, addresses: a, names: map[string]bool{}}
}

// words are the keys whose values are words of Azure or numbers written as
// text. In lower case.
var words = set("type location locations protocol protocols ipprotocols protocoltype access direction priority kind service servicename tier apiversion " +
	"sourceportrange sourceportranges destinationportrange destinationportranges destinationports sourceports port ports frontendport backendport localport translatedport " +
	"nexthoptype peeringstate peeringsynclevel provisioningstate privateendpointnetworkpolicies privatelinkservicenetworkpolicies gatewaytype vpntype " +
	"connectiontype connectionstatus publicipallocationmethod publicipaddressversion privateipallocationmethod privateipaddressversion threatintelmode " +
	"action rulecollectiontype ruletype state source status groupids defaultaction networkdefaultaction bypass ostype osname scope inbounddefault authentication " +
	"fqdntags webcategories addressprefixtype connectionstate sku encryption enforcement vmsize cores memorygb disksizegb publisher offer version " +
	"delegations serviceendpoints " + // in a design file lists of names of services
	"$schema contentversion")

// places are the keys that name addresses or service tags.
var places = set("addressprefix addressprefixes sourceaddressprefix sourceaddressprefixes destinationaddressprefix destinationaddressprefixes " +
	"sources destinations sourceaddresses destinationaddresses remoteaddress remoteaddressprefixes learnedprefixes " +
	"expandedsourceaddressprefix expandeddestinationaddressprefix destinationservicetags")

// hosts are the keys of host names.
var hosts = set("hostname fqdn targetfqdns destinationfqdns allowhosts host translatedfqdn")

// dropped are the keys of which nothing is kept, not even what stands below.
var dropped = set("tags tag tagstable etag identity plan systemdata comments managedby extendedlocation description resourceguid")

// special are names that mean something to Azure.
var special = set("gatewaysubnet azurefirewallsubnet azurefirewallmanagementsubnet azurebastionsubnet routeserversubnet " +
	"allowvnetinbound allowazureloadbalancerinbound denyallinbound allowvnetoutbound allowinternetoutbound denyalloutbound default standard basic standardv2 global regional premium " +
	"securityrules defaultsecurityrules")

// domains are those of the services of Azure.
var domains = []string{"windows.net", "azure.com", "azure.net", "microsoft.com", "microsoftonline.com", "windowsazure.com", "azmk8s.io", "azurewebsites.net"}

func set(list string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(list) {
		out[w] = true
	}
	return out
}

// Collect remembers the names of a document's elements.
func (r *Redactor) Collect(n *doctree.Node) {
	for i := range n.Members {
		m := &n.Members[i]
		if dropped[strings.ToLower(m.Key)] {
			continue
		}
		if strings.EqualFold(m.Key, "name") && m.Value.Kind == doctree.String {
			for _, s := range strings.Split(m.Value.Text, "/") {
				r.names[strings.ToLower(s)] = true
			}
		}
		r.Collect(m.Value)
	}
	for _, i := range n.Items {
		r.Collect(i)
	}
}

// Named reports whether the text is the name of an element of a document that
// was collected.
func (r *Redactor) Named(s string) bool { return r.names[strings.ToLower(s)] }

// Document is a document rewritten, as JSON.
func (r *Redactor) Document(n *doctree.Node) ([]byte, error) {
	return json.MarshalIndent(r.value("", "", n), "", "  ")
}

// member keeps the order of an object.
type member struct {
	key   string
	value any
}

type object []member

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// value rewrites the value of a key; within is the key of the object that it
// stands in.
func (r *Redactor) value(within, key string, n *doctree.Node) any {
	switch n.Kind {
	case doctree.Object:
		out := object{}
		for i := range n.Members {
			m := &n.Members[i]
			if dropped[strings.ToLower(m.Key)] {
				continue
			}
			out = append(out, member{m.Key, r.value(key, m.Key, m.Value)})
		}
		return out
	case doctree.Array:
		out := []any{}
		for _, i := range n.Items {
			out = append(out, r.value(within, key, i))
		}
		return out
	case doctree.String:
		return r.text(within, strings.ToLower(key), n.Text)
	case doctree.Number, doctree.Bool:
		if doctree.MayBeSecret(key) {
			return nil
		}
		return json.RawMessage(n.Text)
	default:
		return nil
	}
}

// text rewrites a string.
func (r *Redactor) text(within, key, s string) string {
	switch {
	case s == "" || s == "*":
		return s
	case strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]"):
		return "[parameters('" + r.Name(s) + "')]"
	case strings.HasPrefix(strings.ToLower(s), "/subscriptions/") || strings.HasPrefix(strings.ToLower(s), "/providers/"):
		return r.ID(s)
	}
	if a, ok := r.addresses.Text(s); ok {
		return a
	}
	switch {
	case key == "name" && strings.EqualFold(within, "sku"), words[key], places[key]:
		return s
	case hosts[key]:
		return r.host(s)
	case key == "name" || strings.HasPrefix(key, "resourcegroup") || strings.HasSuffix(key, "subnetnames"):
		return r.path(s)
	}
	for _, part := range strings.Split(s, "/") {
		if !r.names[strings.ToLower(part)] {
			return "redacted"
		}
	}
	return r.path(s)
}

// Name is the name that stands for another; letter case does not count.
func (r *Redactor) Name(s string) string {
	low := strings.ToLower(s)
	switch {
	case special[low] || strings.HasPrefix(low, "defaultrule_"):
		return s
	case strings.HasPrefix(low, "userrule_"):
		return s[:len("userrule_")] + r.Name(s[len("userrule_"):])
	}
	mac := hmac.New(sha256.New, r.key)
	mac.Write([]byte("name " + low))
	return "n" + hex.EncodeToString(mac.Sum(nil)[:5])
}

// path maps the parts of a name with slashes.
func (r *Redactor) path(s string) string {
	parts := strings.Split(s, "/")
	for i, p := range parts {
		parts[i] = r.Name(p)
	}
	return strings.Join(parts, "/")
}

// ID maps the names in a resource ID: every second part, but for that of a
// provider, which is Azure's own.
func (r *Redactor) ID(s string) string {
	parts := strings.Split(s, "/")
	for i := 2; i < len(parts); i++ {
		kind := strings.ToLower(parts[i-1])
		switch {
		case kind == "providers":
			i++ // the provider is followed by the type of the resource
		case parts[i] != "":
			parts[i] = r.Name(parts[i])
			i++
		}
	}
	return strings.Join(parts, "/")
}

// host maps the labels of a host name that are not of an Azure service.
func (r *Redactor) host(s string) string {
	keep := ""
	for _, d := range domains {
		if strings.EqualFold(s, d) || strings.HasSuffix(strings.ToLower(s), "."+d) {
			// Of mystore.blob.core.windows.net the first label is the owner's.
			if i := strings.IndexByte(s, '.'); i >= 0 {
				s, keep = s[:i], s[i:]
			}
			break
		}
	}
	labels := strings.Split(s, ".")
	for i, l := range labels {
		if l != "*" && l != "" {
			labels[i] = r.Name(l)
		}
	}
	return strings.Join(labels, ".") + keep
}
