package gate

import (
	"time"

	"sallyport.example/sallyport/internal/age"
)

// Check says whether the app has to be asked who is signed in before a session is used. The zero value is CheckEach,
// the strictest.
type Check uint8

// The checks that CheckDue chooses from.
const (
	// CheckEach means that the session must not be used before the app has named its user: each request asks for
	// itself.
	CheckEach Check = iota
	// CheckOnce means that the app's last answer is too old. Of the requests that come at the same time one asks, and
	// the others go on.
	CheckOnce
	// NoCheck means that the app's last answer still counts.
	NoCheck
)

// CheckDue decides whether the app has to be asked who is signed in. checked is when it last named the session's user;
// zero after a check that failed. every is how long its answer counts. doubtful reports whether something has happened
// since then that may have put another user's cookies into the session.
func CheckDue(now, checked time.Time, every time.Duration, doubtful bool) Check {
	switch {
	case doubtful || checked.IsZero():
		return CheckEach
	case age.Within(now, checked, every):
		return NoCheck
	}
	return CheckOnce
}

// NeedsProof reports whether a user has to prove a factor once more before changing factors. A proof that is younger
// than within is enough. proved is when the last one was given in this session; zero if none was.
func NeedsProof(now, proved time.Time, within time.Duration) bool {
	return !age.Within(now, proved, within)
}

// MayPostpone reports whether a user who has to set up a factor may do so later. began is when the user's time of grace
// began; zero if there is none.
func MayPostpone(now, began time.Time, grace time.Duration) bool {
	return age.Within(now, began, grace)
}

// MayGoOn reports whether what was begun for a user, such as a download, may go on in a session that now has the given
// state and user (P5, P8).
func MayGoOn(state State, user, begunFor string) bool { return state == Verified && user == begunFor }

// KeepsOpen reports whether an open stream stays open after a look at its session. answered reports whether the session
// store has answered, and may reports whether, by that answer, the stream may go on. If the store has not answered, the
// last good answer, which came at the time confirmed, counts for as long as believe says (P6).
func KeepsOpen(answered, may bool, now, confirmed time.Time, believe time.Duration) bool {
	if answered {
		return may
	}
	return age.Within(now, confirmed, believe)
}
