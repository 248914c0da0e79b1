package load

import (
	"path/filepath"
	"strings"

	"github.com/netpath/netpath/internal/doctree"
	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/arm"
	"github.com/netpath/netpath/topology/load/design"
	"github.com/netpath/netpath/topology/load/property"
	"github.com/netpath/netpath/topology/load/source"
)

// one reads one element, whatever it is.
func (rd *reading) one(env *doctree.Envelope, n *doctree.Node) {
	f := &rd.file
	switch {
	case rd.xml:
		rd.dataRanges(n)
		return
	case rd.tag(env, n):
		return
	}
	if n.Kind != doctree.Object {
		if env.Fold("columns") != nil {
			f.RefuseAt(n, "expected rows as objects, found a Resource Graph table", "ask Resource Graph for resultFormat objectArray")
			return
		}
		rd.unknownElement(n)
		return
	}
	if env.Single && rd.whole(n) {
		return
	}
	if name, hint := otherFormat(env, n); name != "" {
		f.RefuseAt(n, "expected exported Azure state, found "+name, hint)
		return
	}
	kind := arm.Kind(rd.arm.Table, n)
	if kind == "" {
		if env.Single {
			if inner := wrapped(rd.arm.Table, n); inner != nil {
				rd.one(env, inner)
				return
			}
		}
		rd.unknownElement(n)
		return
	}
	rd.setDialect(env, n, kind)
	rd.arm.Element(n, kind)
}

// whole reads a document that is no element of Azure's: a design, a policy
// file, an example of the REST API. It reports whether it was one.
func (rd *reading) whole(n *doctree.Node) bool {
	f := &rd.file
	version := n.Get("apiVersion")
	switch {
	case version != nil && strings.HasPrefix(version.Text, "netpath/policy"), n.Get("assertions") != nil, n.Get("waivers") != nil,
		policyName(rd.in.path) && (version == nil || version.Text != "netpath/v1"):
		rd.policy = true
		f.RefuseAt(n, "expected exported Azure state or a design, found a policy file", "give it with --policy")
	case version != nil && strings.HasPrefix(version.Text, "netpath/"):
		rd.dialect = "design"
		rd.elements--
		d := design.Read(f, rd.arm.Table, n)
		if f.Err == nil {
			rd.designs = append(rd.designs, d)
			rd.elements += d.Elements
			rd.ledger.AddUsed(n.Leaves())
		}
	case design.Resembles(n) && arm.Kind(rd.arm.Table, n) == "":
		f.RefuseAt(n, "expected apiVersion: netpath/v1 at the top of a design file", "add the line apiVersion: netpath/v1")
	case n.Get("parameters") != nil && n.Get("responses") != nil:
		rd.example(n)
	default:
		return false
	}
	return true
}

// policyName reports the name under which commands look for the policy file.
func policyName(path string) bool {
	base := filepath.Base(path)
	return base == "netpath.yaml" || base == "netpath.yml"
}

// example reads the body of an example of the REST API's specification.
func (rd *reading) example(n *doctree.Node) {
	responses := n.Get("responses")
	for _, status := range []string{"200", "201", "202"} {
		body := responses.Get(status).Get("body")
		if source.IsEmpty(body) {
			continue
		}
		rd.dialect = "REST API example"
		env := &doctree.Envelope{Single: true}
		list := body.Get("value")
		if list == nil || list.Kind != doctree.Array {
			rd.one(env, body)
			return
		}
		env.Single, env.List, env.Members = false, "value", body.Members
		rd.list = true
		rd.elements--
		for _, it := range list.Items {
			rd.elements++
			rd.one(env, it)
		}
		rd.cut(env)
		return
	}
	rd.file.RefuseAt(n, "expected an example with a response body, found none", "")
}

// wrapped finds the resource in {"NewNSG": {…}}, as az create commands print
// it.
func wrapped(t *property.Table, n *doctree.Node) *doctree.Node {
	if len(n.Members) != 1 || n.Members[0].Value.Kind != doctree.Object {
		return nil
	}
	if inner := n.Members[0].Value; arm.Kind(t, inner) != "" {
		return inner
	}
	return nil
}

func (rd *reading) unknownElement(n *doctree.Node) {
	if rd.elements == 1 {
		rd.unknownKind = true
	}
	rd.file.RefuseAt(n, "expected a resource with a type, an id or the properties of one", kindHint)
}

// otherFormat names a format that is known and not read.
func otherFormat(env *doctree.Envelope, n *doctree.Node) (name, hint string) {
	text := func(m *doctree.Node) string {
		if m == nil {
			return ""
		}
		return strings.ToLower(m.Text)
	}
	schema := text(n.Get("$schema"))
	category := text(n.Get("category"))
	const exportHint = "export the deployed resources: az network nsg list, az network vnet list, …"
	switch {
	case n.Get("format_version") != nil && (n.Get("planned_values") != nil || n.Get("resource_changes") != nil || n.Get("values") != nil):
		return "a Terraform plan, which is not read yet", exportHint
	case n.Get("terraform_version") != nil && n.Get("lineage") != nil:
		return "a Terraform state, which is not read", exportHint
	case strings.Contains(schema, "deploymentparameters"):
		return "the parameters of an ARM template, which are not read yet", exportHint
	case strings.Contains(schema, "deploymenttemplate"),
		n.Get("contentVersion") != nil && n.Get("resources") != nil:
		return "an ARM template, which is not read yet", exportHint
	case strings.HasSuffix(env.List, "ecords") && category == "networksecuritygroupflowevent":
		return "an NSG flow log, which is not read yet", exportHint
	case strings.HasSuffix(env.List, "ecords") && (category == "flowlogflowevent" || n.Get("flowRecords") != nil):
		return "a virtual network flow log, which is not read yet", exportHint
	case strings.HasSuffix(env.List, "ecords"):
		return "log records, which are not read", exportHint
	case n.Fold("currentValue") != nil && n.Fold("limit") != nil:
		return "usage figures", exportHint
	case n.Fold("createdDateTime") != nil && n.Fold("lastModified") != nil && n.Fold("resources") != nil:
		return "a topology of Network Watcher, which names resources without their properties", exportHint
	case n.Fold("access") != nil && n.Fold("ruleName") != nil && n.Fold("direction") == nil:
		return "an answer of IP flow verify", "give the state it was asked of"
	case n.Fold("nextHopType") != nil && n.Fold("routeTableId") != nil:
		return "an answer of next hop", "give the state it was asked of"
	case n.Fold("results") != nil && n.Fold("type") == nil && n.Fold("id") == nil && strings.Contains(mentionOf(n.Fold("results")), "networkSecurityGroupResult"):
		return "an answer of NSG diagnostics", "give the state it was asked of"
	}
	return "", ""
}

// mentionOf returns the keys of the first object of a list.
func mentionOf(n *doctree.Node) string {
	if n == nil || n.Kind != doctree.Array || len(n.Items) == 0 {
		return ""
	}
	var keys []string
	for _, m := range n.Items[0].Members {
		keys = append(keys, m.Key)
	}
	return strings.Join(keys, " ")
}

// setDialect names the file's dialect after its first element.
func (rd *reading) setDialect(env *doctree.Envelope, n *doctree.Node, kind string) {
	if rd.types == nil {
		rd.types = map[string]bool{}
	}
	rd.types[kind] = true
	if rd.dialect != "" {
		return
	}
	bag := n.Fold("properties")
	switch {
	case kind == "effectiveNetworkSecurityGroup":
		rd.dialect = "effective security rules"
	case kind == "effectiveRoute":
		rd.dialect = "effective routes"
	case strings.HasPrefix(kind, "securityGroupView"):
		rd.dialect = "security group view"
	case n.Get("Id") != nil || n.Get("Name") != nil:
		rd.dialect = "Az PowerShell"
	case strings.EqualFold(env.List, "data") || n.Get("subscriptionId") != nil && n.Get("tenantId") != nil:
		rd.dialect = "Resource Graph"
	case bag != nil && bag.Kind == doctree.Object:
		rd.dialect = "ARM REST"
	default:
		rd.dialect = "az"
	}
}

// finish reads what the envelope says once the end of the file was reached.
func (rd *reading) finish(env *doctree.Envelope) error {
	if done, err := rd.finishTags(env); done || rd.xml {
		return err
	}
	if rd.elements == 0 {
		if rd.dialect == "" {
			rd.dialect = "ARM REST"
		}
		rd.file.Diagnostics = append(rd.file.Diagnostics, Diagnostic{Severity: Warning, Message: "the list is empty",
			Hint: "an empty list says that there is no such resource; export it again if there is", Origin: topology.Origin{File: rd.in.path}})
	}
	if !env.Single {
		rd.list = true
		rd.cut(env)
	}
	if n := rd.file.Unsaid; n > 0 {
		rd.file.Diagnostics = append(rd.file.Diagnostics, Diagnostic{Severity: Warning, Message: count(n) + " more warnings about this file are left out",
			Hint: "see those before", Origin: topology.Origin{File: rd.in.path}})
	}
	return rd.file.Err
}

// cutKeys are the members of an envelope that say that the list goes on.
var cutKeys = []string{"nextLink", "@odata.nextLink", "odata.nextLink", "skip_token", "skipToken", "$skipToken", "skiptoken", "resultTruncated", "result_truncated"}

// cut notes a list that says it is not complete (bad-inputs rows 29 and 30).
func (rd *reading) cut(env *doctree.Envelope) {
	for _, key := range cutKeys {
		n := env.Fold(key)
		if source.IsEmpty(n) || strings.EqualFold(n.Text, "false") {
			continue
		}
		rd.isCut = true
		typ := ""
		if len(rd.types) == 1 {
			for typ = range rd.types {
			}
		}
		what := "resources"
		if typ != "" {
			what = "resources of the type " + source.Escape(typ)
		}
		rd.file.Say(Doubt, n, "export all pages", "the list is cut (%s): other %s exist", key, what)
		rd.arm.Gaps = append(rd.arm.Gaps, topology.Gap{Kind: topology.ListCut, ResourceType: typ,
			Text: "the list in " + rd.in.path + " is cut (" + key + ")", Origin: rd.file.Origin(n)})
		return
	}
}
