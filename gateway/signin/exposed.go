package signin

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// A password is exposed when it was right, in a browser in which the user was never seen, and no factor was proved
// while there was time. A session that ends so is noticed by nobody: stores drop what has run out without a word. So
// the sign-in is noted in the user's record, and the proof, which writes the record anyway, strikes the note out. What
// is left when the time is over is told: by a timer of the gateway that took the password; where that was stopped
// meanwhile, by the user's next proof; and at once where somebody signs out of the challenge. The record's
// compare-and-set has it told once (P7). See decision 0024.

const (
	// knownSuffix ends the name of the cookie by which a browser is known as one in which a user was seen; the rest is
	// the name of the session's cookie.
	knownSuffix = "-known"
	// maxKnown is how many users a browser is known to, and knownFor for how long.
	maxKnown = 8
	knownFor = 400 * 24 * time.Hour

	knownPurpose = "sallyport browsers that users were seen in"
	knownSize    = 16

	// maxExpected is how many sign-ins this process has an eye on at a time. What is beyond that is told at the user's
	// next proof.
	maxExpected = 10_000
	// grace is how much later than its end a sign-in is taken for ended, for what is still under way.
	grace = time.Second
)

// knownMarks are what a browser may show for a user, one for each key; empty if the keys cannot be read just now.
func knownMarks(x *Exchange, user string) (marks []string) {
	keys, err := exchange.Keys(context.WithoutCancel(x.R.Context()), x.Site, knownPurpose)
	if err != nil {
		return nil
	}
	for _, key := range keys {
		mark := hmac.New(sha256.New, key)
		mark.Write([]byte(strconv.Itoa(len(x.Config.App)) + ":" + x.Config.App + user))
		marks = append(marks, base64.RawURLEncoding.EncodeToString(mark.Sum(nil)[:knownSize]))
	}
	return marks
}

func knownCookie(x *Exchange) string { return x.CookieName(x.R) + knownSuffix }

// shownMarks are the marks that the browser sends, of whatever users.
func shownMarks(x *Exchange) []string {
	value := exchange.CookieValue(x.ClientCookies(), knownCookie(x))
	all := strings.SplitN(value, "~", maxKnown+1)
	return slices.DeleteFunc(all[:min(len(all), maxKnown)], func(mark string) bool {
		raw, err := base64.RawURLEncoding.DecodeString(mark)
		return err != nil || len(raw) != knownSize
	})
}

// KeepKnown has the browser be known as one in which the user was seen: a factor was proved in it.
func KeepKnown(x *Exchange, user string) {
	if !x.Config.WatchPasswords {
		return
	}
	own := knownMarks(x, user)
	if len(own) == 0 {
		return
	}
	kept := []string{own[0]}
	for _, other := range shownMarks(x) {
		if !slices.Contains(own, other) && len(kept) < maxKnown {
			kept = append(kept, other)
		}
	}
	x.WriteCookie(x.W.Header(), x.R, knownCookie(x), strings.Join(kept, "~"), "; Max-Age="+strconv.Itoa(int(knownFor.Seconds())), "Strict")
}

// expectProof notes a sign-in with a right password that owes a factor now, if the browser is not one in which the user
// was seen.
func expectProof(x *Exchange, user string) {
	if !x.Config.WatchPasswords {
		return
	}
	own, shown := knownMarks(x, user), shownMarks(x)
	mark := exchange.Mark(&x.Exchange.Exchange)
	if mark == "" || len(own) == 0 || slices.ContainsFunc(own, func(m string) bool { return slices.Contains(shown, m) }) {
		return
	}
	from := x.Origin()
	one := factor.Unproved{
		Session: mark, At: x.Now, Block: match.Neighbourhood(from.Address), Address: from.Address, Browser: from.Browser,
	}
	waits, err := factor.NoteUnproved(x.R.Context(), x.Config.Factors, user, one)
	if err != nil {
		x.Log.WarnContext(x.R.Context(), "a sign-in without a factor could not be noted; if none is proved, nobody is told",
			"setting", x.StoreFails(err), "app", x.Config.App, "user", user, "error", err)
		return
	}
	if !waits {
		return
	}
	x.Latest.Store(x.Site)
	if x.Expected.Add(1) > maxExpected {
		x.Expected.Add(-1)
		return
	}
	requests, person := x.Requests, unprovedPerson(x)
	time.AfterFunc(x.Config.Sessions.Pending()+grace, func() {
		defer requests.Expected.Add(-1)
		// By the settings of now: a reload may have been since.
		if site, ok := requests.Latest.Load().(*exchange.Site); ok {
			comeToNothing(context.Background(), site, user, mark, one.At, person)
		}
	})
}

// unprovedPerson is how the user of a session that owes a factor can be reached.
func unprovedPerson(x *Exchange) event.Person {
	return event.Person{Mail: x.Session().Mail, Language: pages.Language(x.Config.Pages, exchange.Languages(x.R))}
}

// comeToNothing tells that a sign-in came to nothing, if it waits still, was made by that time, and is news.
func comeToNothing(ctx context.Context, site *exchange.Site, user, mark string, by time.Time, person event.Person) {
	one, news, err := factor.ExposeUnproved(ctx, site.Config.Factors, user, mark, by)
	if err != nil {
		site.Log.WarnContext(ctx, "a sign-in came to nothing, and the record cannot be changed; the user is told after the next proof",
			"setting", "secrets", "app", site.Config.App, "user", user, "error", err)
		return
	}
	if news {
		announceUnproved(ctx, site, user, one, person)
	}
}

func announceUnproved(ctx context.Context, site *exchange.Site, user string, one factor.Unproved, person event.Person) {
	person.Browser = one.Browser
	site.Announce(ctx, event.Event{Name: event.PasswordExposed, User: user, Client: one.Address, Session: one.Session}, person)
}

// Leaving returns what to do once the session has ended that owes a factor: its user has signed out of the challenge.
func Leaving(x *Exchange) (left func()) {
	user, mark, person := x.Session().Identity, exchange.Mark(&x.Exchange.Exchange), unprovedPerson(x)
	return func() {
		comeToNothing(context.WithoutCancel(x.R.Context()), x.Site, user, mark, x.Now, person)
	}
}

// TellUnproved tells of the sign-ins that the proof found to have come to nothing.
func TellUnproved(x *Exchange, user string) {
	for _, one := range x.Watch.Told {
		announceUnproved(x.R.Context(), x.Site, user, one, event.Person{
			Mail: x.Session().Mail, Language: pages.Language(x.Config.Pages, exchange.Languages(x.R)),
		})
	}
	x.Watch.Told = nil
}

// ExposedPath is where the user is asked, below base, whose the sign-ins were that came to nothing.
const ExposedPath = "/exposed"

// asksWhose has a user who came in by a trusted browser asked whose the sign-ins were that came to nothing.
func asksWhose(x *Exchange, next SignedIn) exchange.Answer {
	if !x.Watch.Asks || !exchange.IsPageLoad(x.R) {
		return nil
	}
	if _, err := x.Take(session.Offer(next.Delivery)); err != nil {
		return nil // the session ended meanwhile, or cannot be written: the answer goes out as it is
	}
	x.DeliverCookies(next.Delivery)
	return func() error { return x.Redirect(x.Config.Base + ExposedPath) }
}
