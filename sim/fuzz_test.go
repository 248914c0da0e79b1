package sim_test

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/netpath/netpath/internal/oracle"
	"github.com/netpath/netpath/internal/oracle/estategen"
	"github.com/netpath/netpath/sim"
	"github.com/netpath/netpath/sim/flow"
)

// chosen is a source of random numbers that a fuzz input chooses, eight bytes
// each; where it ends they come of its length.
type chosen struct {
	left []byte
	rest *rand.PCG
}

func (c *chosen) Uint64() uint64 {
	if len(c.left) < 8 {
		return c.rest.Uint64()
	}
	x := binary.LittleEndian.Uint64(c.left)
	c.left = c.left[8:]
	return x
}

// FuzzSimulatorAndOracle asks both evaluators about an estate and packets that
// the input chooses: where the simulator is certain, so is the oracle, of the
// same.
func FuzzSimulatorAndOracle(f *testing.F) {
	for seed := range uint64(32) {
		source, input := rand.NewPCG(seed, 3), make([]byte, 0, 8*256)
		for range cap(input) / 8 {
			input = binary.LittleEndian.AppendUint64(input, source.Uint64())
		}
		f.Add(input)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		r := rand.New(&chosen{left: input, rest: rand.NewPCG(uint64(len(input)), 3)})
		n, samples := estategen.Random(r, estategen.Options{Samples: 4})
		s, err := sim.New(n, sim.Options{AsOf: estategen.CatalogueDate})
		if err != nil {
			t.Fatal(err)
		}
		o := oracle.New(n, oracle.Options{AsOf: estategen.CatalogueDate})
		for _, x := range samples {
			b := askBoth(t, s, o, x)
			var name *sim.NameError
			if errors.As(b.err, &name) || b.oracle.Refused || b.oracle.Beyond {
				continue
			}
			if b.err != nil {
				t.Fatalf("%s: %v", x, b.err)
			}
			if b.engine.Verdict != flow.Unknown && b.engine.Verdict != b.oracle.Verdict || b.engine.Strict != flow.Unknown && b.engine.Strict != b.oracle.Strict {
				t.Errorf("%s: simulator %s, strict %s; oracle %s, strict %s", x, b.engine.Verdict, b.engine.Strict, b.oracle.Verdict, b.oracle.Strict)
			}
		}
	})
}
