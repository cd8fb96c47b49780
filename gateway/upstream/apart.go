package upstream

import (
	"fmt"
	"slices"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/login"
)

// apart asks the app about parts of said.Jar, once it has said whose the whole is. names are the cookies that the
// answer set, and before is the jar without them.
//
// One cookie can hide another: an app that finds a session looks at no cookie that remembers a user. Such a cookie
// counts as soon as the session has run out, which no answer shows. If it is another user's, whoever put it there is
// that user from then on (P5). So the app is asked about parts that make sense to it (askPart): what the answer set,
// what of that was not there before, and what was there before. In a verified session, the last was asked about when it
// came. Other parts are not asked about, since some apps end a session that comes without one of its cookies.
func (x *Exchange) apart(said Probed, names []string, before custody.Jar) Probed {
	older := said.Jar.Without(names).Names()
	newer := said.Jar.Without(older).Names()
	again := slices.DeleteFunc(slices.Clone(newer), func(name string) bool { return !before.Holds(name) })
	var without [][]string
	if len(older) > 0 {
		without = append(without, older)
		if x.State() != gate.Verified || x.Place == gate.Login {
			without = append(without, newer)
		}
	}
	if len(again) > 0 && len(again) < len(newer) {
		without = append(without, slices.Concat(older, again))
	}
	if len(without) == 0 {
		return said
	}
	guests, err := x.askAsGuest()
	if err != nil {
		return unclear(said, err)
	}
	asked := []custody.Jar{said.Jar}
	for _, left := range without {
		part := said.Jar.Without(left) // with what earlier answers changed
		if part.Len() == 0 || slices.ContainsFunc(asked, part.SameValues) {
			continue
		}
		asked = append(asked, part)
		// A cookie that remembers a user may be good once, and is replaced then. What the app sets in the place of a
		// cookie that was left out replaces none that is good.
		if said = x.askPart(said, part, Attachment{}, guests, part.Holds); said.Verdict == login.Unclear {
			break
		}
	}
	return said
}

func unclear(said Probed, err error) Probed {
	said.Verdict, said.Name, said.Err = login.Unclear, "", fmt.Errorf("%w: %w", ErrBroken, err)
	return said
}
