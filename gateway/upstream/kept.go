package upstream

import (
	"errors"
	"slices"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/login"
)

// ErrNotKept is returned if the app recognises a user by a cookie that the answer sets but no browser would keep.
var ErrNotKept = errors.New("the app signed somebody in by a cookie that no browser keeps, by its lifetime, domain or form")

// OfAnswer returns whose the app's session is after an answer that set these cookies. It calls whose to ask the app
// about a jar. It believes the app only after it has asked about the parts of the jar as well (apart).
func (x *Exchange) OfAnswer(jar custody.Jar, sorted custody.Sorted, before custody.Jar, whose func(custody.Jar) Probed) Probed {
	said := whose(jar)
	if said.Verdict == login.NotSignedIn {
		said = x.asIfKept(said, jar, sorted, before, whose)
	}
	if said.Verdict == login.Unclear {
		return said
	}
	var names []string
	for _, change := range slices.Concat(sorted.Held, custody.Changes(sorted.Browser)) {
		names = append(names, change.Name())
	}
	return x.apart(said, names, before)
}

// asIfKept asks the app, which has said that nobody is signed in, about everything that the answer meant to set.
//
// A client may be able to choose a cookie's lifetime, or the host that the cookie is for. It could otherwise make the
// answer to a right password, which is an account's page, look like the answer to a wrong one. So the app is asked
// again with each cookie as if it were kept, and with the values that another line of the answer took back.
func (x *Exchange) asIfKept(
	said Probed, jar custody.Jar, sorted custody.Sorted, before custody.Jar, whose func(custody.Jar) Probed,
) Probed {
	if sorted.Broken > 0 {
		return notKept(said)
	}
	var names []string
	var set []custody.Change
	for _, change := range slices.Concat(sorted.Held, custody.Changes(sorted.Browser)) {
		names = append(names, change.Name())
		if kept, sets := change.Kept(); sets {
			set = append(set, kept)
		}
	}
	asked := []custody.Jar{jar}
	for range 2 {
		kept, _, err := x.Apply(before.Without(names), set)
		if err != nil {
			return notKept(said)
		}
		if len(set) > 0 && !slices.ContainsFunc(asked, kept.SameValues) {
			asked = append(asked, kept)
			if again := whose(kept); again.Verdict != login.NotSignedIn {
				return notKept(said)
			}
		}
		slices.Reverse(set)
	}
	return said
}

func notKept(said Probed) Probed {
	return unclear(said, ErrNotKept)
}
