# The long runs of the test suite. What every change must pass is .ci/run.

VERDICTS ?= 1000000000
ESTATES ?= 100000
CHECKS ?= 20000
SEED ?= $(shell date +%s)

.PHONY: soak faults selftest fuzz

# Compare the simulator with the oracle until it has given VERDICTS verdicts of
# gates, then ask twenty whole ways of each of ESTATES estates, take things out
# of a tenth as many, and try every law CHECKS times; from a seed of its own.
soak:
	go test ./sim -run 'AMillion' -v -timeout 0 -verdicts $(VERDICTS) -seed $(SEED)
	go test ./sim -run 'SimulatorAndOracleAgree|Removal' -v -timeout 0 -estates $(ESTATES) -removal-estates $$(($(ESTATES) / 10)) -seed $(SEED)
	go test ./sim ./topology/load -run Law -v -timeout 0 -rapid.checks $(CHECKS)

# Every list of rules of the small worlds, at one place each.
.PHONY: worlds
worlds:
	go test ./sim/nsg/classify -run SmallWorld -v -timeout 0 -worlds 1
	go test ./sim -run 'EveryNSG|EveryChain|EveryTable' -v -timeout 0 -small-step 1

# Every seeded fault must be caught by the tests.
faults:
	go run ./.ci/faults

selftest:
	go run ./cmd/netpath selftest

# Every fuzz target for FUZZTIME.
FUZZTIME ?= 30s
fuzz:
	.ci/fuzz $(FUZZTIME)

# Statement coverage of each package that verdicts come from: 95 % or more.
.PHONY: cover
cover:
	.ci/cover

# Mutation testing of the same packages; MUTANTS="-own sim/nsg sim/route" tests
# some, each by its own tests. See docs/mutants.md.
.PHONY: mutants
mutants:
	go run -modfile=.ci/tools.mod ./.ci/mutants $(MUTANTS)
