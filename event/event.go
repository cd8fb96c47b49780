// Package event defines the security events and their sinks. Each event has a name and fields, and is emitted once,
// after the write that makes it true (P7). An event holds no secret, and no name that somebody typed before the app
// accepted it (P9).
package event

import (
	"context"
	"time"
)

// Name is what happened.
type Name string

// The events.
const (
	// LoginAccepted is a right password: the app says who that is, and the session is stored. Event.State says whether
	// it still owes a factor.
	LoginAccepted Name = "login_accepted"
	// LoginFailed is a login that the app did not accept.
	LoginFailed Name = "login_failed"
	// LoginRefused is a login that the app never saw (ReasonRequest), or whose answer cannot be judged (ReasonUnclear).
	LoginRefused Name = "login_refused"
	// ChallengePassed is a session that has become verified after its login, or, with ReasonChange, a code that was
	// asked for before the factors could be changed. Its method is MethodNone if no factor was owed after all.
	ChallengePassed Name = "challenge_passed"
	// ChallengeFailed is an answer that was not accepted. With the outcome Failed it was judged and is wrong. With
	// Refused it was not judged, and Reason says why.
	ChallengeFailed Name = "challenge_failed"
	// Throttled is the beginning of a time in which no code is judged, after wrong ones. Event.Until tells when it
	// ends.
	Throttled Name = "throttled"
	// Stopped says that no code of the user is judged any more until an operator acts.
	Stopped Name = "stopped"
	// FactorAdded is a factor that was set up, with recovery codes if it is the first.
	FactorAdded Name = "factor_added"
	// FactorRemoved is one of several factors that was taken away.
	FactorRemoved Name = "factor_removed"
	// FactorReset is a factor that replaced another.
	FactorReset Name = "factor_reset"
	// FactorsDisabled says that the user has no second factor any more.
	FactorsDisabled Name = "factors_disabled"
	// RecoveryCodesMade are new recovery codes that replaced others.
	RecoveryCodesMade Name = "recovery_codes_made"
	// RecoveryCodeUsed is a recovery code that was right and is used up.
	RecoveryCodeUsed Name = "recovery_code_used"
	// BrowserTrusted is a browser that will sign in without a code from now on.
	BrowserTrusted Name = "browser_trusted"
	// BrowserForgotten is a trusted browser, or all of the user's, that is no longer trusted. With ReasonMisused the
	// gateway ended the trust, since somebody may hold a copy of the browser's secret.
	BrowserForgotten Name = "browser_forgotten"
	// PasswordExposed is a right password, from a browser in which the user was never seen, after which no factor was
	// proved in time. Event.Client and Event.Session are those of that sign-in.
	PasswordExposed Name = "password_exposed"
	// AddressChanged says that the app names another e-mail address of the user than at the previous sign-in.
	AddressChanged Name = "address_changed"
	// SignedOut is a session that its user ended, or, with an operator as the actor, all sessions of a user.
	SignedOut Name = "signed_out"
	// SessionEnded is a session that ended in another way; Reason says how. Without a reason the user ended it from
	// another session.
	SessionEnded Name = "session_ended"
	// IdentityChanged says that the app gives a verified session another user's name. Event.Was is the earlier name.
	IdentityChanged Name = "identity_changed"
	// Unlocked says that an operator ended a wait, or a stop, after wrong codes.
	Unlocked Name = "unlocked"
	// OperatorReset says that an operator took all of a user's factors away, and OperatorCode that one made a code.
	OperatorReset Name = "operator_reset"
	OperatorCode  Name = "operator_code"
	// StoreUnavailable is emitted once until StoreRecovered, by each gateway. Event.Setting says which store, and
	// Event.Detail why.
	StoreUnavailable Name = "store_unavailable"
	// StoreRecovered says that the store works again.
	StoreRecovered Name = "store_recovered"
)

// Actor is who caused the event.
type Actor string

// The actors.
const (
	// ByUser is the client that sent the request.
	ByUser Actor = "user"
	// ByGateway is the gateway by itself.
	ByGateway Actor = "gateway"
)

// operatorPrefix is in front of an operator's name.
const operatorPrefix = "operator:"

// ByOperator is an operator, by name.
func ByOperator(name string) Actor { return Actor(operatorPrefix + name) }

// IsOperator reports whether an operator did it, and not the user or the gateway.
func (a Actor) IsOperator() bool {
	return len(a) >= len(operatorPrefix) && a[:len(operatorPrefix)] == operatorPrefix
}

// Outcome is the result of what happened.
type Outcome string

// The outcomes.
const (
	// Accepted is the outcome of a login.
	Accepted Outcome = "accepted"
	// Failed means that something was judged, or tried, and is not right.
	Failed Outcome = "failed"
	// Refused means that it was not judged.
	Refused Outcome = "refused"
	// Passed is the outcome of a challenge.
	Passed Outcome = "passed"
	// Done is the outcome of an event that cannot fail any more.
	Done Outcome = "done"
)

// Methods that are no kinds of factors.
const (
	// MethodTrusted is a trusted browser instead of a factor.
	MethodTrusted = "trusted"
	// MethodNone means that no factor was owed.
	MethodNone = "none"
	// MethodOperator is a code that an operator made: in place of a lost factor, or to set up the first one.
	MethodOperator = "operator"
)

// Reasons, for events that can have more than one.
const (
	// ReasonRequest is of LoginRefused: the request is ambiguous, malformed or too large. Detail says more, Status is
	// the answer's.
	ReasonRequest = "request"
	// ReasonUnclear is of LoginRefused: the app's answer cannot be judged. Setting and Detail say more.
	ReasonUnclear = "unclear"
	// ReasonChange is of challenges: the code was to confirm a change of factors.
	ReasonChange = "change"
	// ReasonSetUp is of ChallengeFailed: the code was to confirm a new factor. Such codes are not counted.
	ReasonSetUp = "set_up"
	// ReasonThrottled and ReasonStopped are of ChallengeFailed: nothing is judged for a while, or until an operator
	// acts.
	ReasonThrottled = "throttled"
	ReasonStopped   = "stopped"
	// ReasonNotTrusted is of ChallengeFailed: the browser is not trusted any more, or did not show its key. A code is
	// asked for.
	ReasonNotTrusted = "not_trusted"
	// ReasonMisused is of BrowserForgotten.
	ReasonMisused = "misused"
	// ReasonApp is of SignedOut and SessionEnded: the user signed out of the app, or the app ended its session.
	ReasonApp = "app"
	// ReasonCookie is of SessionEnded: a held cookie changed, and the app cannot be asked whose it is. Cookies are the
	// names.
	ReasonCookie = "cookie"
	// ReasonOverflow is of SessionEnded: the app set more cookies than a session can hold.
	ReasonOverflow = "overflow"
	// ReasonTwoUsers is of SessionEnded: the app's session belongs to two users at once.
	ReasonTwoUsers = "two_users"
	// ReasonUnseen is of SessionEnded: the gateway did not see the app's answer to a request that may have signed
	// somebody in.
	ReasonUnseen = "unseen"
)

// Event is one thing that happened. Fields that do not apply are empty.
type Event struct {
	// Name is what happened, in which App, and At is when.
	Name Name
	App  string
	At   time.Time
	// User is the user whom the app named; empty as long as it has named nobody.
	User string
	// Actor is who did it, and Outcome how it went.
	Actor   Actor
	Outcome Outcome
	// Method is the kind of factor, or MethodTrusted, or MethodNone.
	Method string
	// Reason is why: one of the words above, or what an operator said.
	Reason string
	// Client is the address of the client, without a port.
	Client string
	// Session identifies one session: it is the same from sign-in to sign-out, although the token changes. It is a
	// keyed hash, and reveals nothing else. Empty if there is no session, or no key at the moment.
	Session string
	// Request is the request's ID, which the server's own log has too; empty if there is none.
	Request string

	// State is the session's state after a login: pending, enrolling or verified.
	State string
	// Was is the name before IdentityChanged.
	Was string
	// Until is when codes are judged again after Throttled.
	Until time.Time
	// Left is how many recovery codes are left after RecoveryCodeUsed; nil if that is not known.
	Left *int
	// All: it concerns all of the user's trusted browsers, or all sessions except the one that asks.
	All bool
	// Cookies are names of cookies.
	Cookies []string
	// Setting is the setting that an operator should look at, or which store it is: secrets, sessions, storage.
	Setting string
	// Status is the status of the answer to a request that was refused.
	Status int
	// Detail is what went wrong, for an operator.
	Detail string
}

// Change returns how the user's factors changed, in a word; empty if the event changes none.
func (n Name) Change() string {
	switch n {
	case FactorAdded:
		return "added"
	case FactorRemoved:
		return "removed"
	case FactorReset:
		return "reset"
	case FactorsDisabled:
		return "disabled"
	case RecoveryCodesMade:
		return "recovery_codes"
	case OperatorReset:
		return "reset"
	}
	return ""
}

// Outcome returns the outcome of such an event if nothing else is said.
func (n Name) Outcome() Outcome {
	switch n {
	case LoginAccepted:
		return Accepted
	case LoginFailed, ChallengeFailed, StoreUnavailable:
		return Failed
	case LoginRefused, Throttled, Stopped:
		return Refused
	case ChallengePassed:
		return Passed
	}
	return Done
}

// Actor returns the actor of such an event if nothing else is said.
func (n Name) Actor() Actor {
	switch n {
	case LoginRefused, Throttled, Stopped, IdentityChanged, AddressChanged, PasswordExposed, StoreUnavailable, StoreRecovered:
		return ByGateway
	}
	return ByUser
}

// Sink gets events. Emit must be safe for concurrent use, and must not block, because requests wait for it. It must not
// keep references to parts of the event that the caller may change.
type Sink interface {
	Emit(ctx context.Context, event Event)
}

// Sinks are several sinks, called in this order.
type Sinks []Sink

// Emit implements Sink.
func (s Sinks) Emit(ctx context.Context, event Event) {
	for _, sink := range s {
		sink.Emit(ctx, event)
	}
}
