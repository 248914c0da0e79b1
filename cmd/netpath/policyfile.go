package main

import (
	"reflect"
	"strings"
)

// The form of the policy file: its keys are those that the reader takes, and
// its JSON Schema is made from it.
type (
	policyFile struct {
		_            struct{}          `doc:"What netpath check asserts of a network, and what is accepted: see docs/commands/check.md."`
		Waivers      []waiverFile      `json:"waivers,omitempty" doc:"Assumptions that answers may rest on with --ci."`
		Suppressions []suppressionFile `json:"suppressions,omitempty" doc:"Cases of assertions that are not met and accepted for a time."`
		ServiceTags  *serviceTagsFile  `json:"serviceTags,omitempty" doc:"Of the service tag file."`
		Assertions   []assertionFile   `json:"assertions,omitempty" doc:"What must hold."`
	}

	waiverFile struct {
		_       struct{} `doc:"Accepts an assumption. An expired one fails the run."`
		ID      string   `json:"id" doc:"The ID of the assumption: netpath explain lists them."`
		About   string   `json:"about,omitempty" doc:"The name, ID or glob of the resource; without it, every one."`
		Reason  string   `json:"reason"`
		Owner   string   `json:"owner"`
		Expires dateText `json:"expires" doc:"The last day on which it holds."`
	}

	suppressionFile struct {
		_       struct{} `doc:"Accepts cases that are not met. An expired one suppresses nothing and fails the run."`
		ID      string   `json:"id" doc:"The id of the assertion."`
		About   string   `json:"about,omitempty" doc:"The name, ID or glob of either end, or the selector; without it, every case."`
		Reason  string   `json:"reason"`
		Owner   string   `json:"owner"`
		Expires dateText `json:"expires" doc:"The last day on which it holds."`
	}

	serviceTagsFile struct {
		Date dateText `json:"date,omitempty" doc:"When the file was published, where its name does not say it."`
	}

	assertionFile struct {
		_              struct{}         `doc:"One promise."`
		ID             string           `json:"id" doc:"Stays the same: reports, suppressions and baselines name it."`
		Reason         string           `json:"reason,omitempty" doc:"Why it must hold; shown where it does not."`
		Allow          *packetsFile     `json:"allow,omitempty" doc:"Every such packet gets through."`
		Deny           *packetsFile     `json:"deny,omitempty" doc:"No such packet gets through."`
		Only           *onlyFile        `json:"only,omitempty" doc:"Between the two nothing but this gets through; it need not."`
		BackupReady    *backupReadyFile `json:"backup-ready,omitempty" doc:"Every machine passes netpath backup."`
		NoNewlyAllowed *newlyFile       `json:"no-newly-allowed,omitempty" doc:"No NSG or interface allows what it did not in an earlier export."`
		Lint           *lintFile        `json:"lint,omitempty" doc:"netpath lint finds nothing that bad."`
	}

	packetsFile struct {
		From     textOrList  `json:"from" doc:"Selectors of where packets start."`
		To       textOrList  `json:"to" doc:"Selectors of where they go."`
		Ports    portsOrList `json:"ports,omitempty" doc:"443, 80-443, * or a list; without it any port."`
		Protocol string      `json:"protocol,omitempty" doc:"tcp (which it is without), udp, icmp, esp, ah or *."`
	}

	onlyFile struct {
		From     textOrList  `json:"from" doc:"Selectors of where packets start."`
		To       textOrList  `json:"to,omitempty" doc:"Selectors of where they go; without it, anywhere."`
		Ports    portsOrList `json:"ports,omitempty" doc:"443, 80-443, * or a list: what may pass; without it any port of the protocol."`
		Protocol string      `json:"protocol,omitempty" doc:"tcp (which it is without), udp, icmp, esp or ah."`
		Services textOrList  `json:"services,omitempty" doc:"In place of ports and protocol, several services: tcp/443, udp/53, tcp/8080-8090, icmp; or none."`
	}

	newlyFile struct {
		Baseline textOrList `json:"baseline" doc:"Files and folders of the earlier export, from the folder of the policy file."`
	}

	lintFile struct {
		FailOn  string     `json:"fail-on,omitempty" doc:"error (which it is without), warning or note: this level and what is worse."`
		Rules   textOrList `json:"rules,omitempty" doc:"IDs or names of the rules to look for; without it all."`
		Without textOrList `json:"without,omitempty" doc:"IDs or names of rules not to look for."`
	}

	backupReadyFile struct {
		VMs      textOrList `json:"vms" doc:"Selectors of machines."`
		Profiles textOrList `json:"profiles,omitempty" doc:"Profiles of netpath backup."`
	}
)

// The values of a policy file that are more than a text.
type (
	dateText    string // YYYY-MM-DD
	textOrList  string // a text, or a list of texts
	portsOrList string // a port or a range, or a list of them
)

// keysOf are the keys of an object of the policy file, in order.
func keysOf[T any]() []string {
	var keys []string
	for f := range reflect.TypeFor[T]().Fields() {
		if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}
