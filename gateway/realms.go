package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/age"
	"sallyport.example/sallyport/login"
)

// guestsFor is how long it is believed what the app calls those who are not signed in.
const guestsFor = time.Hour

// errTwoUsers is returned where one session of the app is two users': of two kinds of account, for example, that it
// keeps apart.
var errTwoUsers = errors.New("the app's session is two users': each identity line names another")

// errGuests is returned where the app could not be asked what it calls strangers.
var errGuests = errors.New("the app did not say what it calls those who are not signed in")

// errOddNobody is returned where an answer names nobody and is another one than strangers get: one to somebody who
// asked too often, say, or who has to do something before going on.
var errOddNobody = errors.New("the app named nobody, in another way than it does to strangers")

// guests are what the app answers to whoever is not signed in, by the lines of identity. The zero value knows nothing.
type guests struct {
	mutex sync.Mutex
	asked time.Time
	known []guest
}

// guest is one such answer, to somebody of whom nothing is known.
type guest struct {
	// name is what it calls strangers; empty where it gives them no name.
	name     string
	status   int
	location string
}

// askAsGuest asks the app without credentials, before what it says is believed, and once an hour: a name there is no
// user's. One request asks, and the others wait for it.
func (x *exchange) askAsGuest() ([]guest, error) {
	g := &x.Gateway.guests
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.known != nil && age.Within(x.now, g.asked, guestsFor) {
		return g.known, nil
	}
	known := make([]guest, len(x.config.Logins.Identities))
	for i := range x.config.Logins.Identities {
		identity := &x.config.Logins.Identities[i]
		said := x.askRealm(identity, custody.Jar{}, attachment{}, withNothing)
		if said.verdict == login.Unclear {
			if said.err == nil {
				said.err = fmt.Errorf("status %d", said.status)
			}
			return nil, fmt.Errorf("%w (%s): %w", errGuests, identity.Where(), said.err)
		}
		known[i] = guest{name: said.name, status: said.status, location: said.leads()}
		if said.verdict == login.Known && !identity.IsGuest(said.name) && (g.known == nil || g.known[i].name != said.name) {
			x.log.WarnContext(x.r.Context(), "the app gives a name to whoever is not signed in; nobody is signed in by that name. "+
				"Say so with guest, if that is right", "setting", "identity", "app", x.config.App, "identity", identity.Where(), "guest", said.name)
		}
	}
	g.known, g.asked = known, x.now
	return known, nil
}

// leads is where an answer leads, without its query; empty where it leads nowhere.
func (p *probed) leads() string {
	if p.answer == nil || p.status < 300 || p.status >= 400 {
		return ""
	}
	path, _, _ := strings.Cut(p.answer.header.Get("Location"), "?")
	return path
}

// speaksOfNobody reports whether an answer that names nobody is the app's word that nobody is signed in: it is what was
// asked for, says that a sign-in is wanted, leads to one, or is what strangers get. By other answers nobody who is
// about to sign in is taken for nobody: the app may refuse to say it, at a moment that the client chose.
func (x *exchange) speaksOfNobody(said *probed, stranger guest) bool {
	switch {
	case said.answer == nil, said.status == http.StatusOK, said.status == http.StatusUnauthorized:
		return true
	case said.status == stranger.status && said.leads() == stranger.location:
		return true
	}
	return said.status >= 300 && said.status < 400 && x.leadsToSignIn(said.answer.header.Get("Location"))
}

// oddNobody is what becomes of an answer that speaks of nobody in other words: it is unclear.
func oddNobody(said probed) (login.Verdict, error) {
	return login.Unclear, fmt.Errorf("%w: %w (status %d)", errBroken, errOddNobody, said.status)
}

// probe asks the app who the session in the jar, and what goes with it, belongs to: at every address that the operator
// names. Where two of them name different users, that is nobody's session.
func (x *exchange) probe(jar custody.Jar, with attachment) probed {
	result := probed{verdict: login.NotSignedIn, jar: jar}
	guests, err := x.askAsGuest()
	if err != nil {
		return probed{verdict: login.Unclear, jar: jar, err: fmt.Errorf("%w: %w", errBroken, err)}
	}
	var changes []custody.Change
	for i := range x.config.Logins.Identities {
		identity := &x.config.Logins.Identities[i]
		said := x.askRealm(identity, result.jar, with, inClientsForm)
		changes = append(changes, said.changes...)
		said = x.called(said, identity, guests[i].name)
		if goesOn := x.state() == gate.Verified && x.place != gate.Login; said.verdict == login.NotSignedIn && !goesOn && !x.speaksOfNobody(&said, guests[i]) {
			said.verdict, said.err = oddNobody(said)
		}
		switch {
		case said.verdict == login.Unclear:
			said.changes = changes
			return said
		case said.verdict == login.Known && result.verdict == login.Known && said.name != result.name:
			return probed{verdict: login.Unclear, changes: changes, jar: said.jar, status: said.status, err: errTwoUsers}
		case said.verdict == login.Known || result.verdict != login.Known:
			result = said
		default:
			result.jar = said.jar
		}
		result.changes = slices.Clone(changes)
	}
	result = x.unlessGuest(x.probeParts(result, with, guests), guests)
	if x.state() == gate.Verified && x.hasMoreHeaders() {
		return x.probeWhole(result, with, guests)
	}
	return result
}

// errEachGuest is returned where the app calls each stranger by another name: then any name may be a stranger's.
var errEachGuest = errors.New("the app gives each of those who are not signed in another name; find an address that names users only")

// unlessGuest asks more, without a session, where the app named somebody whom it did not name before, and is one that
// gives names to strangers. It may call them by what their requests say, by the address, the language or the browser:
// then the one who was asked about before was called otherwise. One that calls each of them otherwise is found by
// asking twice.
func (x *exchange) unlessGuest(result probed, guests []guest) probed {
	if result.verdict != login.Known || x.state() == gate.Verified && x.place != gate.Login && result.name == x.data.Identity {
		return result
	}
	for i := range x.config.Logins.Identities {
		if guests[i].name == "" {
			continue
		}
		identity := &x.config.Logins.Identities[i]
		said := x.askRealm(identity, custody.Jar{}, attachment{}, asStranger)
		again := x.askRealm(identity, custody.Jar{}, attachment{}, asStranger)
		switch {
		case said.verdict == login.Unclear || again.verdict == login.Unclear:
			result.verdict, result.name, result.err = login.Unclear, "", fmt.Errorf("%w: %w", errBroken, errGuests)
			return result
		case identity.IsGuest(said.name) && identity.IsGuest(again.name):
		case said.name != again.name:
			result.verdict, result.name, result.err = login.Unclear, "", fmt.Errorf("%w: %w", errBroken, errEachGuest)
			return result
		case said.verdict == login.Known && identity.Prefix+said.name == result.name:
			result.verdict, result.name = login.NotSignedIn, ""
			return result
		}
	}
	return result
}

// errParts is returned where the app's cookies are for so many paths that it cannot be asked about each.
var errParts = errors.New("the app's cookies are for too many different paths")

// probeParts asks about what requests carry to paths at which they do not carry all cookies. Nobody may be signed in
// there, and the whole jar's user may.
func (x *exchange) probeParts(result probed, with attachment, guests []guest) probed {
	parts, ok := result.jar.Parts(x.now)
	if !ok {
		return probed{verdict: login.Unclear, changes: result.changes, jar: result.jar, err: fmt.Errorf("%w: %w", errBroken, errParts)}
	}
	for _, part := range parts {
		for i := range x.config.Logins.Identities {
			identity := &x.config.Logins.Identities[i]
			said := x.called(x.askRealm(identity, part, with, inClientsForm), identity, guests[i].name)
			switch {
			case said.verdict == login.NotSignedIn && x.speaksOfNobody(&said, guests[i]):
				continue
			case said.verdict == login.NotSignedIn:
				said.verdict, said.err = oddNobody(said)
			case said.verdict == login.Known && result.verdict == login.Known && said.name != result.name:
				said.verdict, said.err = login.Unclear, errTwoUsers
			}
			changes := append(slices.Clone(result.changes), said.changes...)
			jar, _, full := result.jar.Apply(said.changes, x.r.Host, identity.Path, x.now)
			if full != nil {
				said.verdict, said.err = login.Unclear, fmt.Errorf("%w: %w", errBroken, full)
			}
			if said.changes, said.jar = changes, jar; said.verdict == login.Unclear {
				return said
			}
			result = said
		}
	}
	return result
}

// errPrefixed is returned where an account of one kind is called as one of another kind is with its prefix.
var errPrefixed = errors.New("an account's name begins with the prefix of another identity line: it would be another's")

// called is an answer by the name that counts: a guest is nobody.
func (g *Gateway) called(said probed, identity *login.Identity, guest string) probed {
	switch {
	case said.verdict != login.Known:
	case said.name == guest || identity.IsGuest(said.name):
		said.verdict, said.name = login.NotSignedIn, ""
	default:
		said.name = identity.Prefix + said.name
		for i := range g.config.Logins.Identities {
			other := g.config.Logins.Identities[i].Prefix
			if other != identity.Prefix && len(said.name) >= len(other) && other != "" && strings.EqualFold(said.name[:len(other)], other) {
				said.verdict, said.name, said.err = login.Unclear, "", fmt.Errorf("%w: %w", errBroken, errPrefixed)
			}
		}
	}
	return said
}

// probeWhole asks once more, with all that requests of a verified session may carry: some apps keep a session apart for
// another protocol, say, that a header names, and sign somebody else in there. Whom they name by that counts, and
// nothing else of it does: by such a header a client could have the app seem to know nobody.
func (x *exchange) probeWhole(result probed, with attachment, guests []guest) probed {
	for i := range x.config.Logins.Identities {
		identity := &x.config.Logins.Identities[i]
		said := x.called(x.askForm(identity, result.jar, with, withAllHeaders), identity, guests[i].name)
		if said.verdict == login.Known && (result.verdict != login.Known || said.name != result.name) {
			return probed{verdict: login.Unclear, changes: result.changes, jar: result.jar, status: said.status, err: errTwoUsers}
		}
	}
	return result
}

// hasMoreHeaders reports whether the request carries headers that a question usually does not.
func (x *exchange) hasMoreHeaders() bool {
	usual := x.askingHeaders(inClientsForm)
	for name := range x.askingHeaders(withAllHeaders) {
		if _, known := usual[name]; !known {
			return true
		}
	}
	return false
}
