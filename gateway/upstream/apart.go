package upstream

import (
	"errors"
	"fmt"
	"slices"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/login"
)

// maxApart is how many cookies an answer may set at once for the app to be asked about each.
const maxApart = 16

// errApart is returned if an answer sets more cookies than that.
var errApart = errors.New("the answer sets too many cookies to ask the app about each")

// apart asks the app about parts of said.Jar, once it has said whose the whole is. names are the cookies that the
// answer set.
//
// One cookie can hide another: an app that finds a session looks at no cookie that remembers a user. Such a cookie
// counts as soon as the session has run out, which no answer shows. If it is another user's, whoever put it there is
// that user from then on (P5). So the app is asked about the new cookies alone, about all of them but one, and about
// those from before alone (askPart). In a verified session, those from before were asked about when they came.
func (x *Exchange) apart(said Probed, names []string) Probed {
	older := said.Jar.Without(names)
	newer := said.Jar.Without(older.Names()).Names()
	if len(newer) > maxApart {
		return unclear(said, errApart)
	}
	var without [][]string
	if older.Len() > 0 {
		without = append(without, older.Names())
		if x.State() != gate.Verified || x.Place == gate.Login {
			without = append(without, newer)
		}
	}
	if len(newer) > 1 {
		for _, name := range newer {
			without = append(without, append(older.Names(), name))
		}
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
		if said = x.askPart(said, part, Attachment{}, guests); said.Verdict == login.Unclear {
			break
		}
	}
	return said
}

func unclear(said Probed, err error) Probed {
	said.Verdict, said.Name, said.Err = login.Unclear, "", fmt.Errorf("%w: %w", ErrBroken, err)
	return said
}
