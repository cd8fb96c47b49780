package session

import (
	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gate"
)

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
// Taken.Before. The token changes, so that of two such requests one has them.
func ClaimGuest() Step {
	return Step{name: "claim the stranger's cookies", from: anyState, rotates: true, apply: func(data *Data) error {
		data.Stranger = Stranger{}
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
