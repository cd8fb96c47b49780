package custody

import (
	"slices"
	"sync/atomic"

	"sallyport.example/sallyport/internal/match"
)

// MaxNames is how many names are learned at most. An app has a handful; one that makes up names without end teaches no
// more.
const MaxNames = 256

// Names is a set of cookies' names that grows: those that a login of this site put into custody. A nil Names is empty.
// It is safe for concurrent use, and asking it takes no lock.
type Names struct{ known atomic.Pointer[[]string] }

// Has reports whether an app could take name for one of the set.
func (n *Names) Has(name string) bool {
	if n == nil {
		return false
	}
	known := n.known.Load()
	return known != nil && anyFold(*known, name)
}

// Add puts names into the set, and returns those that it did not have. What does not fit into MaxNames is left out.
func (n *Names) Add(names ...string) (added []string) {
	for {
		before := n.known.Load()
		var next []string
		if before != nil {
			next = slices.Clone(*before)
		}
		added = nil
		for _, name := range names {
			if name = match.FoldName(name); name != "" && len(next) < MaxNames && !anyFold(next, name) {
				next, added = append(next, name), append(added, name)
			}
		}
		if len(added) == 0 || n.known.CompareAndSwap(before, &next) {
			return added
		}
	}
}

// All returns the names, folded.
func (n *Names) All() []string {
	if known := n.known.Load(); known != nil {
		return slices.Clone(*known)
	}
	return nil
}
