package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/internal/age"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// LeadsToSignIn reports whether a redirect leads where strangers may go: to a login page, a login's address, or what is
// public. An address with a `#` does not count, because some apps put tokens behind it.
func (x *Exchange) LeadsToSignIn(location string) bool {
	target, ok := exchange.LocalTarget(location, x.R)
	if !ok || strings.Contains(target, "#") {
		return false
	}
	if x.Policy.LeadsToLogin(target) {
		return true
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return false
	}
	there := &http.Request{Method: http.MethodGet, URL: u, Header: make(http.Header)}
	path := match.ParsePath(u)
	reading, err := x.Config.Logins.Recognise(there, path)
	if err != nil {
		return false
	}
	place := x.Policy.Place(there, path, reading.Attempt != nil, reading.Entry)
	return place == gate.Public || place == gate.Entry
}

// guestsFor is how long the answers that the app gives to strangers are believed to stay the same.
const guestsFor = time.Hour

// ErrTwoUsers is returned if one session of the app belongs to two users, for example to accounts of two kinds.
var ErrTwoUsers = errors.New("the app's session is two users': each identity line names another")

// errGuests is returned if the app could not be asked what it calls strangers.
var errGuests = errors.New("the app did not say what it calls those who are not signed in")

// errOddNobody is returned if an answer names nobody but differs from what strangers get. The session may belong to a
// user who asked too often, or who has to do something before going on.
var errOddNobody = errors.New("the app named nobody, in another way than it does to strangers")

// maxGuestHosts is the number of hosts for which the app's answers to strangers are kept.
const maxGuestHosts = 64

// guests are the app's answers to strangers at each host, since each host may be another site of the app. The zero
// value holds none.
type guests struct {
	mutex sync.Mutex
	of    map[string]strangers
}

// strangers are the app's answers to strangers at one host, one for each identity line.
type strangers struct {
	asked time.Time
	known []guest
}

// guest is the app's answer to strangers at one identity line.
type guest struct {
	// name is what the app calls strangers; empty if it gives them no name.
	name     string
	status   int
	location string
	// media is the media type of the answer.
	media string
}

// askAsGuest asks the app without credentials, before the app's first answer is believed and then once an hour. A name
// that the app gives there is no user's. One request asks, and the others wait for it.
func (x *Exchange) askAsGuest() ([]guest, error) {
	g := &x.site.guests
	g.mutex.Lock()
	defer g.mutex.Unlock()
	host := exchange.HostOf(x.R)
	before := g.of[host].known
	if before != nil && age.Within(x.Now, g.of[host].asked, guestsFor) {
		return before, nil
	}
	known := make([]guest, len(x.Config.Logins.Identities))
	for i := range x.Config.Logins.Identities {
		identity := &x.Config.Logins.Identities[i]
		said := x.askRealm(identity, custody.Jar{}, Attachment{}, withNothing)
		if said.Verdict == login.Unclear {
			if said.Err == nil {
				said.Err = fmt.Errorf("status %d", said.Status)
			}
			return nil, fmt.Errorf("%w (%s): %w", errGuests, identity.Where(), said.Err)
		}
		known[i] = guest{name: said.Name, status: said.Status, location: said.leads(), media: said.media()}
		if said.Verdict == login.Known && !identity.IsGuest(said.Name) && (before == nil || before[i].name != said.Name) {
			x.Log.WarnContext(x.R.Context(), "the app gives a name to whoever is not signed in; nobody is signed in by that name. "+
				"Say so with guest, if that is right", "setting", "identity", "app", x.Config.App, "identity", identity.Where(), "guest", said.Name)
		}
	}
	if g.of == nil || len(g.of) >= maxGuestHosts {
		g.of = make(map[string]strangers) // clients may make hosts up; real ones are few
	}
	g.of[host] = strangers{x.Now, known}
	return known, nil
}

// leads returns where an answer leads, without the query; "" if it leads nowhere.
func (p *Probed) leads() string {
	if p.Answer == nil || p.Status < 300 || p.Status >= 400 {
		return ""
	}
	path, _, _ := strings.Cut(p.Answer.Headers.Get("Location"), "?")
	return path
}

// media returns the media type of an answer, without parameters; "" if it has none.
func (p *Probed) media() string {
	if p.Answer == nil {
		return ""
	}
	media, _, _ := strings.Cut(p.Answer.Headers.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(media))
}

// speaksOfNobody reports whether an answer without a name means that nobody is signed in. It does if it answers the
// question, asks for a sign-in, leads to one, or is what strangers get. Any other answer may be a refusal at a moment
// that the client chose, such as "Too many connections", so it does not count as "nobody". A page in the place of JSON
// answers the question if strangers get one too.
func (x *Exchange) speaksOfNobody(said *Probed, stranger guest) bool {
	switch {
	case said.Answer == nil, said.Status == http.StatusUnauthorized:
		return true
	case said.Status == http.StatusOK:
		return said.read || stranger.status == http.StatusOK && stranger.media == said.media()
	case said.Status == stranger.status && said.leads() == stranger.location:
		return true
	}
	return said.Status >= 300 && said.Status < 400 && x.LeadsToSignIn(said.Answer.Headers.Get("Location"))
}

// oddNobody returns the verdict on an answer that names nobody and is not what strangers get: unclear.
func oddNobody(said Probed) (login.Verdict, error) {
	return login.Unclear, fmt.Errorf("%w: %w (status %d)", ErrBroken, errOddNobody, said.Status)
}

// Probe asks the app whose session the jar and the attachment are, at every address that the operator names. If two
// addresses name different users, the verdict is unclear, with ErrTwoUsers.
func (x *Exchange) Probe(jar custody.Jar, with Attachment) Probed {
	result := Probed{Verdict: login.NotSignedIn, Jar: jar}
	guests, err := x.askAsGuest()
	if err != nil {
		return Probed{Verdict: login.Unclear, Jar: jar, Err: fmt.Errorf("%w: %w", ErrBroken, err)}
	}
	var changes []custody.Change
	for i := range x.Config.Logins.Identities {
		identity := &x.Config.Logins.Identities[i]
		said := x.askRealm(identity, result.Jar, with, inClientsForm)
		changes = append(changes, said.Changes...)
		said = x.site.called(said, identity, guests[i].name)
		if goesOn := x.State() == gate.Verified && x.Place != gate.Login; said.Verdict == login.NotSignedIn && !goesOn && !x.speaksOfNobody(&said, guests[i]) {
			said.Verdict, said.Err = oddNobody(said)
		}
		switch {
		case said.Verdict == login.Unclear:
			said.Changes = changes
			return said
		case said.Verdict == login.Known && result.Verdict == login.Known && said.Name != result.Name:
			return Probed{Verdict: login.Unclear, Changes: changes, Jar: said.Jar, Status: said.Status, Err: ErrTwoUsers}
		case said.Verdict == login.Known || result.Verdict != login.Known:
			result = said
		default:
			result.Jar = said.Jar
		}
		result.Changes = slices.Clone(changes)
	}
	result = x.unlessGuest(x.probeParts(result, with, guests), guests)
	if x.State() == gate.Verified && x.HasMoreHeaders() {
		return x.probeWhole(result, with, guests)
	}
	return result
}

// errEachGuest is returned if the app gives each stranger another name, because any name may then be a stranger's.
var errEachGuest = errors.New("the app gives each of those who are not signed in another name; find an address that names users only")

// unlessGuest asks again without a session if the app gives names to strangers and has named somebody new. The app may
// derive strangers' names from their requests, for example from the address, the language or the browser. The question
// is asked twice, to find an app that gives each stranger another name.
func (x *Exchange) unlessGuest(result Probed, guests []guest) Probed {
	if result.Verdict != login.Known || x.State() == gate.Verified && x.Place != gate.Login && result.Name == x.Session().Identity {
		return result
	}
	for i := range x.Config.Logins.Identities {
		if guests[i].name == "" {
			continue
		}
		identity := &x.Config.Logins.Identities[i]
		said := x.askRealm(identity, custody.Jar{}, Attachment{}, asStranger)
		again := x.askRealm(identity, custody.Jar{}, Attachment{}, asStranger)
		switch {
		case said.Verdict == login.Unclear || again.Verdict == login.Unclear:
			result.Verdict, result.Name, result.Err = login.Unclear, "", fmt.Errorf("%w: %w", ErrBroken, errGuests)
			return result
		case identity.IsGuest(said.Name) && identity.IsGuest(again.Name):
		case said.Name != again.Name:
			result.Verdict, result.Name, result.Err = login.Unclear, "", fmt.Errorf("%w: %w", ErrBroken, errEachGuest)
			return result
		case said.Verdict == login.Known && identity.Prefix+said.Name == result.Name:
			result.Verdict, result.Name = login.NotSignedIn, ""
			return result
		}
	}
	return result
}

// errParts is returned if the app's cookies are for so many paths that the app cannot be asked about each.
var errParts = errors.New("the app's cookies are for too many different paths")

// probeParts asks the app about each part of the jar that requests to some path would carry alone.
func (x *Exchange) probeParts(result Probed, with Attachment, guests []guest) Probed {
	parts, ok := result.Jar.Parts(x.Now)
	if !ok {
		return unclear(result, errParts)
	}
	for _, part := range parts {
		if result = x.askPart(result, part, with, guests, nil); result.Verdict == login.Unclear {
			break
		}
	}
	return result
}

// askPart asks the app about a part of result.Jar and returns whose the whole is then. Nobody may be signed in with a
// part, or the user of the whole, but nobody else. If nobody is signed in with the whole, it is the part's user's. Of
// what the answers change, the whole gets what keeps says; nil: everything.
func (x *Exchange) askPart(result Probed, part custody.Jar, with Attachment, guests []guest, keeps func(name string) bool) Probed {
	for i := range x.Config.Logins.Identities {
		identity := &x.Config.Logins.Identities[i]
		said := x.site.called(x.askRealm(identity, part, with, inClientsForm), identity, guests[i].name)
		if result.Verdict != login.Known || said.Name != result.Name {
			said = x.unlessGuest(said, guests)
		}
		switch {
		case said.Verdict == login.NotSignedIn && x.speaksOfNobody(&said, guests[i]):
			continue
		case said.Verdict == login.NotSignedIn:
			said.Verdict, said.Err = oddNobody(said)
		case said.Verdict == login.Known && result.Verdict == login.Known && said.Name != result.Name:
			said.Verdict, said.Err = login.Unclear, ErrTwoUsers
		}
		if keeps != nil && result.Verdict == login.Known {
			said.Changes = slices.DeleteFunc(slices.Clone(said.Changes), func(c custody.Change) bool { return !keeps(c.Name()) })
		}
		changes := append(slices.Clone(result.Changes), said.Changes...)
		jar, _, full := result.Jar.Apply(said.Changes, x.R.Host, identity.Path, x.Now)
		if full != nil {
			said.Verdict, said.Err = login.Unclear, fmt.Errorf("%w: %w", ErrBroken, full)
		}
		if said.Changes, said.Jar = changes, jar; said.Verdict == login.Unclear {
			return said
		}
		result = said
	}
	return result
}

// errPrefixed is returned if the name of an account of one kind begins with the prefix of another kind.
var errPrefixed = errors.New("an account's name begins with the prefix of another identity line: it would be another's")

// called puts the name that counts into an answer. A guest counts as nobody.
func (s *Site) called(said Probed, identity *login.Identity, guest string) Probed {
	switch {
	case said.Verdict != login.Known:
	case said.Name == guest || identity.IsGuest(said.Name):
		said.Verdict, said.Name = login.NotSignedIn, ""
	default:
		said.Name = identity.Prefix + said.Name
		for i := range s.Config.Logins.Identities {
			other := s.Config.Logins.Identities[i].Prefix
			if other != identity.Prefix && len(said.Name) >= len(other) && other != "" && strings.EqualFold(said.Name[:len(other)], other) {
				said.Verdict, said.Name, said.Err = login.Unclear, "", fmt.Errorf("%w: %w", ErrBroken, errPrefixed)
			}
		}
	}
	return said
}

// probeWhole asks once more, with all headers that requests of a verified session may carry. Some apps keep a separate
// session, for example for a protocol that a header names, and sign somebody else in there. Only a name in this answer
// counts: by such a header a client could make the app seem to know nobody.
func (x *Exchange) probeWhole(result Probed, with Attachment, guests []guest) Probed {
	for i := range x.Config.Logins.Identities {
		identity := &x.Config.Logins.Identities[i]
		said := x.site.called(x.askForm(identity, result.Jar, with, withAllHeaders), identity, guests[i].name)
		if said.Verdict == login.Known && (result.Verdict != login.Known || said.Name != result.Name) {
			return Probed{Verdict: login.Unclear, Changes: result.Changes, Jar: result.Jar, Status: said.Status, Err: ErrTwoUsers}
		}
	}
	return result
}

// HasMoreHeaders reports whether the request carries headers that a question usually does not.
func (x *Exchange) HasMoreHeaders() bool {
	usual := x.askingHeaders(inClientsForm)
	for name := range x.askingHeaders(withAllHeaders) {
		if _, known := usual[name]; !known {
			return true
		}
	}
	return false
}
