package walk

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Environment variables.
const (
	// Duration is how long each target is attacked, such as 10m.
	Duration = "SALLYPORT_WALK"
	// Seed is the number of a sequence to replay, as the report of a violation prints it. With a `+` appended, the walk
	// begins there. Known sequences are not played then.
	Seed = "SALLYPORT_WALK_SEED"
	// Hunt is a number: the walk goes on after a violation until it has found that many different ones, and reports all
	// at the end.
	Hunt = "SALLYPORT_WALK_HUNT"
)

// Result is what a walk did.
type Result struct {
	Sequences, Requests int
	// Found are the violations that could be repeated. Once are those that could not: they depend on timing and on the
	// machine's load.
	Found, Once []Found
}

// Known is a sequence with a name.
type Known struct {
	Name     string
	Sequence Sequence
}

// Found is a way past the gate.
type Found struct {
	Seed     uint64
	Kinds    []string
	Seen     string
	Sequence Sequence
	Times    int
	// Name is the name of a known sequence.
	Name string
}

// String returns the report of a violation.
func (f Found) String() string {
	if f.Name != "" {
		return fmt.Sprintf("known: %s\n  %s\n  seen: %s\n%s", f.Name, strings.Join(f.Kinds, "; "), f.Seen, f.Sequence)
	}
	return fmt.Sprintf("%s\n  seen: %s\n  seed: %s=%d (seen %d times)\n%s", strings.Join(f.Kinds, "; "), f.Seen, Seed, f.Seed, f.Times, f.Sequence)
}

// Run attacks a target for the duration, or for that of the environment, and fails the test with a shortened sequence
// if a promise was broken.
func Run(t *testing.T, target *Target, duration time.Duration) Result {
	t.Helper()
	if text := os.Getenv(Duration); text != "" {
		asked, err := time.ParseDuration(text)
		if err != nil {
			t.Fatalf("%s: %v", Duration, err)
		}
		duration = asked
	}
	seed, only := uint64(time.Now().UnixNano())>>10, false
	if text := os.Getenv(Seed); text != "" {
		begin, goesOn := strings.CutSuffix(text, "+")
		asked, err := strconv.ParseUint(begin, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", Seed, err)
		}
		seed, only = asked, !goesOn
	}
	hunted := 1
	if text := os.Getenv(Hunt); text != "" {
		asked, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s: %v", Hunt, err)
		}
		hunted = asked
	}
	target.withDefaults()
	w := newWire(target.Address, target.Secure)
	defer w.second.CloseIdleConnections()
	var known []Found
	if os.Getenv(Seed) == "" {
		known = playKnown(target, w)
	}
	result := walk(target, w, seed, only, hunted, time.Now().Add(duration))
	result.Found = append(known, result.Found...)
	for _, found := range result.Found {
		t.Errorf("%s: %s", target.Name, found)
	}
	for _, once := range result.Once {
		t.Logf("%s: seen once, and not again: %s", target.Name, once)
	}
	t.Logf("%s: %d sequences, %d plays, %d requests to the app, from seed %d", target.Name, result.Sequences, plays.Load(), result.Requests, seed)
	return result
}

// playKnown plays the known sequences. It plays those that depend on timing several times.
func playKnown(target *Target, w *wire) (all []Found) {
	for _, known := range target.Known {
		for range tries(known.Sequence) {
			violations := run(target, w, known.Sequence)
			if len(violations) == 0 {
				continue
			}
			found := Found{Name: known.Name, Seen: violations[0].Text, Sequence: known.Sequence, Times: len(violations)}
			for _, violation := range violations {
				if !slices.Contains(found.Kinds, violation.Kind) {
					found.Kinds = append(found.Kinds, violation.Kind)
				}
			}
			all = append(all, found)
			break
		}
	}
	return all
}

// walk plays sequences until the time is over, or enough violations were found.
func walk(target *Target, w *wire, seed uint64, only bool, hunted int, until time.Time) Result {
	var result Result
	shapes := map[string]int{}
	// A kind of violation that was found many times is not shortened again.
	kinds := map[string]int{}
	for ; len(result.Found) < hunted && (only || time.Now().Before(until)); seed++ {
		sequence := choose(target, seed)
		violations := run(target, w, sequence)
		result.Sequences++
		result.Requests += len(target.Tap.All())
		reported := map[string]bool{}
		for _, violation := range violations {
			if reported[violation.Kind] || kinds[violation.Kind] > 3*hunted {
				continue
			}
			reported[violation.Kind] = true
			kinds[violation.Kind]++
			play := func(candidate Sequence) []Violation { return run(target, w, candidate) }
			if !again(sequence, violation.Kind, play) {
				result.Once = append(result.Once, Found{Seed: seed, Kinds: []string{violation.Kind}, Seen: violation.Text, Sequence: sequence, Times: 1})
				continue
			}
			short := shorten(sequence, violation.Kind, play)
			shape := short.shape()
			if at, known := shapes[shape]; known {
				result.Found[at].Times++
				if !slices.Contains(result.Found[at].Kinds, violation.Kind) {
					result.Found[at].Kinds = append(result.Found[at].Kinds, violation.Kind)
				}
				continue
			}
			shapes[shape] = len(result.Found)
			result.Found = append(result.Found, Found{Seed: seed, Kinds: []string{violation.Kind}, Seen: violation.Text, Sequence: short, Times: 1})
		}
		if only {
			break
		}
	}
	return result
}
