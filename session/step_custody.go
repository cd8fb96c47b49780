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

// Hold keeps what an answer set in a verified session. asked is the jar that the app was asked about, or that went out:
// where another answer was quicker and changed it, nobody has asked about both together, and the app is asked before
// the next use. asks says that it can be. ErrOverflow where it does not fit.
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

// ClaimCheck notes that somebody is about to ask the app who is signed in, if nobody else has noted it since it was
// seen to be due.
func ClaimCheck(seen, at time.Time) Step {
	return Step{name: "claim the check", from: inVerified, apply: func(data *Data) error {
		if !data.Checked.Equal(seen) {
			return errNothing
		}
		data.Checked = at
		return nil
	}}
}

// Vouch notes that the app named the session's own user for the jar that it was asked about, and what it set meanwhile.
// Where cookies came into custody in between of which nobody knows whose they are, the app was not asked about those
// (P5), and nothing is done. ErrOverflow where it does not fit.
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

// Unsettle notes that the session must not be used before the app has said whose it is. It keeps what the app set when
// it was asked about the session. What another answer set of which the app could not be asked is never kept: a third
// one might replace half of it, and the app vouch for the whole. What does not fit leaves a jar that the app does not
// know, so that the session ends then.
func Unsettle(asked Cookies) Step {
	return Step{name: "unsettle", from: anyState, apply: func(data *Data) error {
		data.Checked, data.Held = time.Time{}, asked.orEmpty(data.Held)
		return nil
	}}
}

// BindTokens binds bearer tokens to the session of whose user the app says that they are.
func BindTokens(user string, tokens []string, at time.Time) Step {
	return Step{name: "bind tokens", from: inVerified, user: user, of: true, apply: func(data *Data) error {
		for _, token := range tokens {
			data.Bonds = data.Bonds.BindToken(token)
		}
		data.Token, data.Checked = tokens[0], at
		return nil
	}}
}

// Raise notes that a request goes to the app that may sign somebody else in, unless another one may be there now: for
// as long as such a request may take. at is now, or earlier for one that keeps others waiting for less than that.
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

// Raised reports whether a request may be raising the session that was marked so at another gateway. One that was
// forgotten, by a gateway that fell over, is over after the time that one may take. Another gateway's clock may be
// ahead.
func (d *Data) Raised(now time.Time, may time.Duration) bool {
	return d.Raising != nil && (age.Within(now, *d.Raising, may) || age.Within(*d.Raising, now, may))
}

// KeepGuest keeps what the app set in an answer to a stranger: held cookies in the guest's jar, names among those that
// the browser may send. What the request had taken out of the session comes back with returning. In a session that a
// sign-in has verified meanwhile there is no stranger; and while the page of a failed login is open, only another login
// page, an entry, begins anew.
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
// Taken.Before. The token changes, so that of two such requests one has them. What was about to make those cookies
// somebody's concerns nobody any more.
func ClaimGuest() Step {
	return Step{name: "claim the stranger's cookies", from: anyState, rotates: true, apply: func(data *Data) error {
		data.Stranger = Stranger{}
		if data.State != gate.Verified {
			data.Raising = nil
		}
		return nil
	}}
}

// KeepRetry keeps what the app set with the answer to a login that failed, unless there is a stranger's jar by now.
func KeepRetry(retry *Retry, names []string) Step {
	return Step{name: "keep for another try", from: anyState, apply: func(data *Data) error {
		if data.Guest.Len() == 0 {
			data.Retry = retry
		}
		data.Granted = granted(data.Granted, names)
		return nil
	}}
}

// DoubtGuest notes that nobody knows whether the stranger's cookies are still a stranger's.
func DoubtGuest() Step {
	return Step{name: "doubt the stranger's cookies", from: anyState, apply: func(data *Data) error {
		data.Doubt = true
		return nil
	}}
}

// ReviewGuest keeps what the app set while it was asked about the stranger's cookies, where it knew nobody by them;
// else they are forgotten. The answer ends a doubt that there was before the question.
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

// ForgetGuest throws the stranger's cookies away.
func ForgetGuest() Step {
	return Step{name: "forget the stranger's cookies", from: anyState, apply: func(data *Data) error {
		data.Guest, data.Doubt = custody.Jar{}, false
		return nil
	}}
}

// ErrOverflow is returned where custody is too small for what the app set: what did not fit cannot be asked about, so
// that nothing was written.
var ErrOverflow = errors.New("custody is too small for what the app set")

// maxGranted is how many cookie names of the app's a browser may have in one session.
const maxGranted = 64

// Cookies are what an answer of the app's set.
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

// orEmpty is into for what may be forgotten: an empty jar where it does not fit.
func (c Cookies) orEmpty(jar custody.Jar) custody.Jar {
	jar, err := c.into(jar)
	if err != nil {
		return custody.Jar{}
	}
	return jar
}

// granted adds names to the list of what the browser may send. The list that it is given stays as it is.
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
