package session

import (
	"cmp"
	"context"
	"slices"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/match"
)

const (
	// MaxVerified is how many verified sessions an account has unless a Config says otherwise. Where a sign-in makes
	// one more, the one that was not used for longest ends.
	MaxVerified = 64
	// MaxWaiting is how many sessions of an account wait for a factor at the same time unless a Config says otherwise.
	// They are counted by themselves: whoever has the password can make them, and must not push verified ones out.
	MaxWaiting = 16
)

// owned is a session of an account, by its name in the store.
type owned struct {
	key  string
	data *Data
}

// bound ends what an account has too many of, after a session of it has come into its state. Errors change nothing: the
// next sign-in tries again. A store without an index is left alone, for it would have to be gone over.
func (m *Manager) bound(ctx context.Context, token string, data *Data) {
	if m.shared.store.index == nil || data.State == gate.Anonymous {
		return
	}
	mine := storeKey(token)
	var all []owned
	seen := make(map[string]bool)
	err := m.eachOf(ctx, data.Identity, func(key string, stored []byte) {
		other, deadline, err := decode(stored)
		if err == nil && m.alive(other, deadline) && (other.State == gate.Verified) == (data.State == gate.Verified) && !seen[key] {
			seen[key] = true
			all = append(all, owned{key, other})
		}
	})
	if err != nil {
		return
	}
	surplus := leastUsed
	most := m.config.MaxVerified
	if data.State != gate.Verified {
		surplus, most = longestWaiting, m.config.MaxWaiting
	}
	for len(all) > most {
		at := surplus(all, mine)
		if at < 0 || m.shared.store.DeleteCtx(ctx, all[at].key) != nil {
			return
		}
		all = slices.Delete(all, at, at+1)
	}
}

// leastUsed picks the session that was not used for longest, but for mine.
func leastUsed(all []owned, mine string) int {
	return first(all, mine, func(a, b owned) int { return a.data.Seen.Compare(b.data.Seen) })
}

// longestWaiting picks from the sessions of the network that most of them come from the one that has waited for
// longest. So whoever makes them in great numbers pushes out his own, and not that of the owner who is just typing her
// code.
func longestWaiting(all []owned, mine string) int {
	from := make(map[string]int)
	for _, one := range all {
		from[one.network()]++
	}
	return first(all, mine, func(a, b owned) int {
		return cmp.Or(-cmp.Compare(from[a.network()], from[b.network()]), a.data.Since.Compare(b.data.Since))
	})
}

// network is where the session's sign-in came from, by what counts as one client.
func (o owned) network() string { return match.Network(o.data.from().Address) }

// first is the place of the smallest, but for mine; -1 where there is none.
func first(all []owned, mine string, compare func(a, b owned) int) int {
	found := -1
	for i := range all {
		if all[i].key != mine && (found < 0 || compare(all[i], all[found]) < 0) {
			found = i
		}
	}
	return found
}
