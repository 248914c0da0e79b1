package guest

import (
	"strconv"
	"strings"

	"github.com/netpath/netpath/topology"
	"github.com/netpath/netpath/topology/load/source"
)

// The keys of waagent.conf that are about the proxy.
const (
	agentHost = "HttpProxy.Host"
	agentPort = "HttpProxy.Port"
)

func itoa(n int) string { return strconv.Itoa(n) }

// agent reads waagent.conf the way the agent does: a line that begins with #
// is a comment, a later # ends the value, quotes and blanks around the value
// are not part of it, and None is no value. What the agent would skip because
// it is no setting is refused: such a file is something else, or damaged.
func (r *reader) agent(lines []string) {
	known := map[string]value{}
	for i, line := range lines {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		key, text, ok := strings.Cut(line, "=")
		name := strings.TrimSpace(key)
		v := value{key: name, line: i + 1, column: 1 + len(key) - len(strings.TrimLeft(key, " \t"))}
		if !ok || name == "" || strings.ContainsAny(name, " \t<>{") {
			v.key = ""
			r.refuse(v, "", "expected a line Key=Value of waagent.conf", "copy /etc/waagent.conf of the machine again")
			return
		}
		text, _, _ = strings.Cut(text, "#")
		v.text = strings.TrimSpace(strings.Trim(text, "\" \t"))
		if v.text == "None" {
			v.text = ""
		}
		switch name {
		case agentHost, agentPort:
			r.out.Used++
			r.once(known, name, v)
		default:
			r.out.Skipped++
			for _, ours := range []string{agentHost, agentPort} {
				if strings.EqualFold(name, ours) {
					r.say(source.Warning, v, "the agent does not know "+source.Escape(name)+": it is not used", "write "+ours)
				}
			}
		}
	}
	host, port := known[agentHost], known[agentPort]
	switch {
	case host.text == "" && port.text != "":
		r.say(source.Warning, port, agentPort+" without "+agentHost+" sets no proxy", "")
	case host.text == "":
	case port.text == "":
		r.refuse(host, "", "expected "+agentPort+" beside "+agentHost, "the agent uses both or none")
	default:
		if !plainHost(host.text) {
			r.refuse(host, "", "expected an IP address or host name alone, without scheme, user, port and path", "")
			return
		}
		n, ok := portNumber(port.text)
		if !ok {
			r.refuse(port, "", "expected a port of 1 to 65535", "")
			return
		}
		r.out.System = &topology.ProxySetting{Host: host.text, Port: n, Scope: "system", Origin: r.origin(host)}
	}
}
