package session

import (
	"time"

	"sallyport.example/sallyport/custody"
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

// Unsettle notes that the session must not be used before the app has said whose it is. What does not fit leaves a jar
// that the app does not know, so that the session ends then.
func Unsettle(cookies Cookies) Step {
	return Step{name: "unsettle", from: anyState, apply: func(data *Data) error {
		data.Checked, data.Held = time.Time{}, cookies.orEmpty(data.Held)
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
