package session

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/age"
)

// Hold keeps what an answer set in a verified session. asked is the jar that the app was asked about, or that the
// request carried. If another answer has changed the jar since, the app was not asked about both changes together, and
// has to be asked before the next use; asks says that it can be. ErrOverflow if the cookies do not fit.
func Hold(cookies Cookies, asked custody.Jar, asks bool) Step {
	return Step{name: "hold cookies", from: inVerified, apply: func(data *Data) error {
		held, err := cookies.into(data.Held)
		if err != nil {
			return err
		}
		if asks && !data.Held.Equal(asked) {
			data.Checked = time.Time{}
		}
		data.Held = held
		data.Granted = granted(data.Granted, cookies.Granted)
		return nil
	}}
}

// ClaimCheck notes that the caller will ask the app who is signed in, unless another request has noted the same since
// the check was seen to be due.
func ClaimCheck(seen, at time.Time) Step {
	return Step{name: "claim the check", from: inVerified, apply: func(data *Data) error {
		if !data.Checked.Equal(seen) {
			return errNothing
		}
		data.Checked = at
		return nil
	}}
}

// Vouch notes that the app named the session's own user for the jar asked, and keeps what it set with its answer. If
// other cookies came into custody meanwhile, the app was not asked about those (P5), and nothing changes. ErrOverflow
// if the cookies do not fit.
func Vouch(user string, asked custody.Jar, cookies Cookies) Step {
	return Step{name: "vouch", from: inVerified, user: user, of: true, apply: func(data *Data) error {
		if data.Checked.IsZero() && !data.Held.Equal(asked) {
			return errNothing
		}
		held, err := cookies.into(data.Held)
		if err != nil {
			return err
		}
		data.Checked, data.Held = cookies.At, held
		return nil
	}}
}

// Unsettle notes that the session must not be used before the app has said whose it is. It keeps the cookies that the
// app set when it was asked about the session. If they do not fit, the jar is emptied, so that the app knows nobody and
// the session ends. The cookies of any other answer about which the app could not be asked are never kept: a later
// answer might replace some of them, and the app would then vouch for the mixture.
func Unsettle(asked Cookies) Step {
	return Step{name: "unsettle", from: anyState, apply: func(data *Data) error {
		data.Checked, data.Held = time.Time{}, asked.orEmpty(data.Held)
		return nil
	}}
}

// BindTokens binds bearer tokens to the session of the user to whom they belong, as the app says.
func BindTokens(user string, tokens []string, at time.Time) Step {
	return Step{name: "bind tokens", from: inVerified, user: user, of: true, apply: func(data *Data) error {
		for _, token := range tokens {
			data.Bonds = data.Bonds.BindToken(token)
		}
		data.Token, data.Checked = tokens[0], at
		return nil
	}}
}

// Raise notes that a request goes to the app that may sign somebody else in, unless another such request may be there.
// The note counts for as long as such a request may take. at is now, or earlier for a request that makes others wait
// for less time.
func Raise(now, at time.Time, may time.Duration) Step {
	return Step{name: "raise", from: anyState, apply: func(data *Data) error {
		if data.Raised(now, may) {
			return errNothing
		}
		data.Raising = &at
		return nil
	}}
}

// Settle ends what Raise began.
func Settle() Step {
	return Step{name: "settle", from: anyState, apply: func(data *Data) error {
		data.Raising = nil
		return nil
	}}
}

// Raised reports whether a request that may sign somebody else in may be at the app, perhaps by another gateway. The
// mark of a gateway that crashed counts for as long as such a request may take. Another gateway's clock may be ahead.
func (d *Data) Raised(now time.Time, may time.Duration) bool {
	return d.Raising != nil && (age.Within(now, *d.Raising, may) || age.Within(*d.Raising, now, may))
}

// KeepGuest keeps what the app set in an answer to a stranger: held cookies in the guest's jar, names among those that
// the browser may send. returning are the cookies that the request had taken out of the session. Nothing is kept in a
// session that has been verified meanwhile. While the page of a failed login is open, only another login page (entry)
// begins anew.
func KeepGuest(cookies Cookies, returning custody.Jar, entry bool) Step {
	return Step{name: "keep a stranger's cookies", from: anyState, apply: func(data *Data) error {
		data.Granted = granted(data.Granted, cookies.Granted)
		if data.State == gate.Verified || data.Retry != nil && !entry {
			return nil
		}
		guest := data.Guest
		if guest.Len() == 0 {
			guest = returning
		}
		data.Guest = cookies.orEmpty(guest)
		if len(cookies.Held) > 0 {
			data.Retry = nil
		}
		return nil
	}}
}

// ClaimGuest takes a stranger's cookies out of the session, for one request that may sign somebody in; they are in
// Taken.Before. The token changes, so that only one of two such requests gets them. Requests that may sign somebody in
// with these cookies no longer count for the session.
func ClaimGuest() Step {
	return Step{name: "claim the stranger's cookies", from: anyState, rotates: true, apply: func(data *Data) error {
		data.Stranger = Stranger{}
		if data.State != gate.Verified {
			data.Raising = nil
		}
		return nil
	}}
}

// KeepRetry keeps what the app set with the answer to a failed login, unless the session has a stranger's jar
// meanwhile.
func KeepRetry(retry *Retry, names []string) Step {
	return Step{name: "keep for another try", from: anyState, apply: func(data *Data) error {
		if data.Guest.Len() == 0 {
			data.Retry = retry
		}
		data.Granted = granted(data.Granted, names)
		return nil
	}}
}

// DoubtGuest notes that somebody may have signed in with the stranger's cookies.
func DoubtGuest() Step {
	return Step{name: "doubt the stranger's cookies", from: anyState, apply: func(data *Data) error {
		data.Doubt = true
		return nil
	}}
}

// ReviewGuest keeps what the app set when it was asked about the stranger's cookies, if it knew nobody by them;
// otherwise it forgets the cookies. endsDoubt ends a doubt that existed before the question.
func ReviewGuest(cookies Cookies, knewNobody, endsDoubt bool) Step {
	return Step{name: "review the stranger's cookies", from: anyState, apply: func(data *Data) error {
		if data.Doubt = data.Doubt && !endsDoubt; !knewNobody || data.State == gate.Verified {
			data.Guest = custody.Jar{}
			return nil
		}
		data.Guest = cookies.orEmpty(data.Guest)
		return nil
	}}
}

// ForgetGuest removes the stranger's cookies.
func ForgetGuest() Step {
	return Step{name: "forget the stranger's cookies", from: anyState, apply: func(data *Data) error {
		data.Guest, data.Doubt = custody.Jar{}, false
		return nil
	}}
}

// ErrOverflow is returned if what the app set does not fit into custody. The app cannot be asked about what does not
// fit, so nothing was written.
var ErrOverflow = errors.New("custody is too small for what the app set")

// maxGranted is how many of the app's cookie names a browser may have in one session.
const maxGranted = 64

// Cookies are the cookies that an answer of the app set.
type Cookies struct {
	// Held are the changes of held cookies.
	Held []custody.Change
	// Granted are the names of those that the browser gets.
	Granted []string
	// Host, Path and At are those of the request that was answered.
	Host, Path string
	At         time.Time
}

// into returns the jar with the changes in it, or ErrOverflow.
func (c Cookies) into(jar custody.Jar) (custody.Jar, error) {
	jar, _, err := jar.Apply(c.Held, c.Host, c.Path, c.At)
	if err != nil {
		return custody.Jar{}, fmt.Errorf("%w: %w", ErrOverflow, err)
	}
	return jar, nil
}

// orEmpty is into for cookies that may be forgotten: it returns an empty jar if they do not fit.
func (c Cookies) orEmpty(jar custody.Jar) custody.Jar {
	jar, err := c.into(jar)
	if err != nil {
		return custody.Jar{}
	}
	return jar
}

// granted adds names to the list of what the browser may send. It returns a copy.
func granted(list, names []string) []string {
	list = slices.Clip(list)
	for _, name := range names {
		if len(list) < maxGranted && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// Knows reports whether the browser is known to have the cookies of these names.
func (d *Data) Knows(names []string) bool {
	for _, name := range names {
		if d == nil || !slices.Contains(d.Granted, name) {
			return false
		}
	}
	return true
}
