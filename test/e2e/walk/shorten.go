package walk

import (
	"slices"
	"time"
)

// shortenTime bounds the shortening of one sequence.
const shortenTime = 20 * time.Second

// repeats is how often a sequence is played to see a violation again.
const repeats = 8

// again reports whether a violation is seen another time. In sequences that hang up, or do several things at once, a
// busy machine can mislead the oracle about the order of events.
func again(sequence Sequence, kind string, play func(Sequence) []Violation) bool {
	for range repeats {
		if slices.ContainsFunc(play(sequence), func(v Violation) bool { return v.Kind == kind }) {
			return true
		}
	}
	return false
}

// tries is how often a sequence is played before it counts as harmless.
func tries(sequence Sequence) int {
	if slices.ContainsFunc(sequence.Moves, func(m Move) bool { return m.Trick != "" }) {
		return 3
	}
	return 1
}

// shorten removes from a sequence what a violation of this kind does not need. For violations that depend on timing it
// tries several times before it keeps a move.
func shorten(sequence Sequence, kind string, play func(Sequence) []Violation) Sequence {
	deadline := time.Now().Add(shortenTime)
	still := func(candidate Sequence) bool {
		for range tries(candidate) {
			if time.Now().After(deadline) {
				return false
			}
			if slices.ContainsFunc(play(candidate), func(v Violation) bool { return v.Kind == kind }) {
				return true
			}
		}
		return false
	}
	for changed := true; changed; {
		changed = false
		for _, candidate := range simpler(sequence) {
			if still(candidate) {
				sequence, changed = candidate, true
				break
			}
		}
	}
	return sequence
}

// simpler returns the sequences with one thing less, the largest thing first.
func simpler(sequence Sequence) (all []Sequence) {
	with := func(at int, change func(*Move)) {
		moves := slices.Clone(sequence.Moves)
		change(&moves[at])
		all = append(all, Sequence{sequence.Habit, moves})
	}
	count := len(sequence.Moves)
	if count > 3 {
		all = append(all, Sequence{sequence.Habit, sequence.Moves[:count/2]}, Sequence{sequence.Habit, sequence.Moves[count/2:]})
	}
	for i := count - 1; i >= 0 && count > 1; i-- {
		all = append(all, Sequence{sequence.Habit, slices.Delete(slices.Clone(sequence.Moves), i, i+1)})
	}
	if len(sequence.Habit) > 0 {
		all = append(all, Sequence{nil, sequence.Moves})
	}
	for i, move := range sequence.Moves {
		if move.Trick != "" {
			with(i, func(m *Move) { m.Trick = "" })
		}
		if move.Chunked {
			with(i, func(m *Move) { m.Chunked = false })
		}
		for at := range move.Header {
			with(i, func(m *Move) { m.Header = slices.Delete(slices.Clone(m.Header), at, at+1) })
		}
		if plain := withoutQuery(move); plain != move.Target {
			with(i, func(m *Move) { m.Target = plain })
		}
		if move.Client != 0 {
			with(i, func(m *Move) { m.Client = 0 })
		}
	}
	return all
}

// withoutQuery returns a move's address without its query, unless the query has the login.
func withoutQuery(move Move) string {
	if move.Body == "" && move.Right != "" {
		return move.Target
	}
	for i := range len(move.Target) {
		if move.Target[i] == '?' {
			return move.Target[:i]
		}
	}
	return move.Target
}
