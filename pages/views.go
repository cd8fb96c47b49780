package pages

import "time"

// Common is what every page may show. Texts in it are escaped; none is trusted.
type Common struct {
	// App is the name shown at the top of the page: the issuer, or the app's name.
	App string
	// Base is the path below which the gateway's own pages live, without a slash at its end.
	Base string
	// Languages is what the browser says in Accept-Language; empty means English.
	Languages string
	// User is the identity; empty where nobody has signed in.
	User string
	// Form is the session's CSRF token, sent along in the hidden field csrf_token of each form. Without it the page
	// has no form to sign out.
	Form string
	// Status is a message for role="status": a Notice constant or words of the caller's own; empty for none.
	Status string
	// Alert is a message for role="alert": an Alert constant or words of the caller's own; empty for none.
	Alert string
	// Wait is how long the user has to wait before the next attempt. If it is above zero the alert says so,
	// AlertThrottled stands in for an empty Alert, and an answer 429 or 503 gets Retry-After unless the caller has set
	// it.
	Wait time.Duration
}

// ChallengeView is the page that asks for a code, at Base/challenge.
type ChallengeView struct {
	Common
	// Digits is the length of a code; 0 means 6.
	Digits int
	// Period is how long a code lasts; 0 means 30 seconds.
	Period time.Duration
	// Remember is for how long a browser may be trusted; 0 for not at all.
	Remember time.Duration
	// Way is the kind of factor that is asked for: totp, passkey, mail or sms; empty means totp. Ways are the others
	// that the user has.
	Way  string
	Ways []string
	// To is where a code of the kind is sent, masked, and Asked says that one was, in this session.
	To    string
	Asked bool
	// Nowhere says that nothing that the user has can be used at this address but a recovery code.
	Nowhere bool
	// Key is the public key of the trusted browser that may prove itself here in place of a code, by which the script
	// finds the private one, and Device its ID. Empty where there is none.
	Key, Device string
}

// TrustView is the page that asks after the code whether to trust this browser, at Base/trust.
type TrustView struct {
	Common
	// Remember is for how long.
	Remember time.Duration
}

// RecoveryView is the page that asks for a recovery code instead, at Base/recovery.
type RecoveryView struct {
	Common
}

// SetUpStartView is the page before a set-up begins: why, and the button that begins it (POST Base/setup). It is for
// sessions that owe a set-up and have no proposal yet, since a GET must not make one.
type SetUpStartView struct {
	Common
	// Enrolling says that a second factor is required and that nothing else is open until there is one.
	Enrolling bool
	// Due is when there must be one, where there is time until then; zero for none. Later offers to go on without until
	// then, by POST to Base/later.
	Due   time.Time
	Later bool
	// NeedCode asks first for the enrolment code that an operator made, in field enrolment_code. Reset says that it is
	// because an operator has reset the account. Kind is the kind of factor that is to be set up, if it was chosen.
	NeedCode, Reset bool
	Kind            string
	// Elsewhere says that none can be set up from the user's address: there is no button.
	Elsewhere bool
	// Next is where somebody goes on who does not want one, where none is required: a path on this site. Empty, or
	// anything else, leads to the settings page.
	Next string
}

// SetUpView is the page with the QR code, at Base/setup. It posts to Base/setup/confirm.
type SetUpView struct {
	Common
	// URI is the otpauth address that the gateway built. Any other scheme is a rendering error.
	URI string
	// Key is the same secret in base32; white space in it is removed.
	Key string
	// Digits is the length of a code; 0 means 6.
	Digits int
	// Algorithm and Period are shown beside the key where they differ from what authenticators assume (SHA1, 30
	// seconds); empty or 0 means these.
	Algorithm string
	Period    time.Duration
	// Reset says that this token replaces another, which stays valid until the new one is confirmed.
	Reset bool
	// Enrolling says that a second factor is required: the page tells why it appears and has no way to cancel.
	Enrolling bool
	// Further says that it stands beside factors that the user has.
	Further bool
	// Others are the kinds that can be set up instead.
	Others []string
	// Behind is the settings page that the script puts behind the dialog. Without it the page stands alone, as it does
	// without scripts.
	Behind *SettingsView
}

// ConfirmView is the page that asks before something changes: ConfirmReset, ConfirmDisable, ConfirmRecoveryCodes,
// ConfirmAdd, ConfirmRename, ConfirmRemove.
type ConfirmView struct {
	Common
	// NeedCode asks for a fresh code in field "code". Without it the button alone is enough.
	NeedCode bool
	// Digits is the length of a code; 0 means 6.
	Digits int
	// Period is how long a code lasts; 0 means 30 seconds.
	Period time.Duration
	// CanRecover offers the same page with the query RecoveryQuery, which the caller answers with Recovery set.
	CanRecover bool
	// Recovery makes the field one for a recovery code: a telephone then shows letters, too.
	Recovery bool
	// Sends are the kinds of codes that can be sent for a proof, by a form to Base/challenge/send. From is the page's
	// own address below Base, for that form.
	Sends []SendLine
	From  string
	// Proof is the kind of the code that was sent for this page, and To where it went; empty if none was.
	Proof, To string
	// Passkey says that the user can use a passkey in place of the code, and NoApp that there is no authenticator to
	// show one.
	Passkey, NoApp bool
	// Factor is the ID of the factor that it is about, Kind its kind, and Name what its owner calls it. Last says that
	// there is no other.
	Factor, Kind, Name string
	Last               bool
	// Behind is the settings page that the script puts behind the dialog. Without it the page stands alone, as it does
	// without scripts.
	Behind *SettingsView
}

// SendLine is a kind of codes that are sent, and where they go, masked.
type SendLine struct{ Kind, To string }

// ProofQuery is the query parameter that names the kind of code that was sent for a confirmation.
const ProofQuery = "proof"

// RecoveryQuery is the query parameter with which a confirmation asks for a recovery code instead
// (ConfirmView.CanRecover).
const RecoveryQuery = "recovery"

// RecoveryCodesView shows new recovery codes, once.
type RecoveryCodesView struct {
	Common
	// Codes are shown as they are. The button posts to Base/recovery-codes/saved.
	Codes []string
}

// RecoveryUsedView says after a sign-in with a recovery code how many are left, at Base/recovery-used, and posts there
// to go on.
type RecoveryUsedView struct {
	Common
	// RecoveryLeft of RecoveryTotal recovery codes are unused.
	RecoveryLeft, RecoveryTotal int
}

// ExposedView asks whose sign-ins were that came to nothing, at Base/exposed, and posts there: whose=mine or
// whose=other, or whose=continue to go on. Without any it says how to go on after whose=other (ChangedQuery).
type ExposedView struct {
	Common
	// SignIns are the sign-ins, the latest first.
	SignIns []ExposedLine
	// Change is the path at which the app lets users change their password; empty: it is not known.
	Change string
}

// ExposedLine is a sign-in with the right password that came to nothing.
type ExposedLine struct {
	At               time.Time
	Address, Browser string
}

// ChangedQuery is the query parameter of the page that says what comes after whose=other.
const ChangedQuery = "ended"

// SettingsView is the settings page, at Base/.
type SettingsView struct {
	Common
	// Enrolled says whether the user has a second factor. Everything but Required, Due and Home counts only if so.
	Enrolled bool
	// Since is when the token was set up, Used when it was last used; the zero time is unknown and never.
	Since, Used time.Time
	// Factors are what the user has, beside recovery codes; none: one authenticator of which nothing more is known.
	Factors []FactorLine
	// Offered are the kinds of factors that can be set up here.
	Offered []string
	// RecoveryLeft of RecoveryTotal recovery codes are unused.
	RecoveryLeft, RecoveryTotal int
	// Unsaved: nobody has confirmed that they were saved.
	Unsaved bool
	// Required says that everyone must have a second factor here: it cannot be disabled.
	Required bool
	// Due is when the time of grace ends for a user without a second factor; zero for none.
	Due time.Time
	// Exposed: somebody else may know the password, and the user has not said whose a sign-in was (ExposedView).
	Exposed bool
	// Home is the way back to the app: a path on this site. Empty, or anything else, means "/".
	Home string
	// Remember says that browsers can be trusted here; Trusted are those that are.
	Remember bool
	Trusted  []TrustedLine
	// Sessions are the user's own, this one first.
	Sessions []SessionLine
	// Activity is what happened lately, newest first.
	Activity []ActivityLine
}

// FactorLine is a factor in the list. Name is what its owner calls it; empty for the name of its kind.
type FactorLine struct {
	ID, Kind, Name string
	Created, Used  time.Time
	// Synced says of a passkey that copies of it are kept elsewhere.
	Synced bool
	// To is where codes are sent, masked; empty for other kinds.
	To string
}

// TrustedLine is a trusted browser in the list. Removing posts its ID to Base/browsers; without an ID, all are removed.
type TrustedLine struct {
	ID, Browser string
	Used, Until time.Time
}

// SessionLine is a session in the list. Signing out posts its ID to Base/sessions; without an ID, all others are signed
// out.
type SessionLine struct {
	ID, Browser, Address string
	// Current is the session that asks; Waiting one in which the code was not typed yet.
	Current, Waiting bool
	Seen             time.Time
}

// ActivityLine is one event, or several of a kind, in the list.
type ActivityLine struct {
	// Kind is the part after "activity." of a message's key. A kind without a message is left out.
	Kind             string
	At               time.Time
	Browser, Address string
	// Count is how often it happened; 0 means once.
	Count int
}

// Link is a way on from an error.
type Link struct {
	// Href is a path on this site; a link to anything else is left out.
	Href string
	// Label is the link's text: a Label constant or words of the caller's own; empty means LabelContinue.
	Label string
	// Apart opens it in a tab of its own, where this one has something that must not be lost. The page has to say so.
	Apart bool
}

// ErrorView says what went wrong and what to do. Kind gives the words; Title, Happened and Advice, where set, take
// their place.
type ErrorView struct {
	Common
	// Kind is one of the Error constants; empty or unknown means ErrorInternal.
	Kind ErrorKind
	// Title, Happened and Advice are words of the caller's own.
	Title, Happened, Advice string
	// RetryAfter is how long to wait, rounded up to seconds; 0 for unknown. It is shown, and sent as Retry-After with
	// 429 and 503 unless the caller has set it.
	RetryAfter time.Duration
	// Link is a way on; none without Href.
	Link Link
}

// SignedOutView says that the session has ended.
type SignedOutView struct {
	Common
	// Login is where to sign in again: a path on this site. Empty, or anything else, means "/".
	Login string
}

// DeskView is the help desk's search, at Base/. Common.User is the operator on all pages of the desk.
type DeskView struct {
	Common
	// Apps are those whose users may be helped, and App and Name what was looked for.
	Apps      []string
	App, Name string
	// Asked says that somebody was looked for; Users are those found, and Next is the cursor of more; empty: no more.
	Asked bool
	Users []DeskLine
	Next  string
}

// DeskLine is one of the users who were found.
type DeskLine struct {
	Name string
	// State is enrolled, waiting, throttled or stopped; Kinds are those of the factors.
	State string
	Kinds []string
}

// DeskUserView is how one user stands, at Base/user.
type DeskUserView struct {
	Common
	// App and Name say who it is, State how the account stands.
	App, Name, State string
	// Until is when codes are judged again, and CodeUntil when a code ends that was made; zero for none.
	Until, CodeUntil time.Time
	// Owed says that the next set-up asks for an enrolment code.
	Owed bool
	// RecoveryLeft recovery codes are left.
	RecoveryLeft int
	Factors      []FactorLine
	Sessions     []SessionLine
	Activity     []ActivityLine
	// Code is a code that was just made, shown this once, and Expires when it ends.
	Code    string
	Expires time.Time
}

// DeskActView asks for the reason before something is done. It posts to Base/ and the name of the act.
type DeskActView struct {
	Common
	// App and Name say to whom, Act what: reset, unlock, sign-out, code.
	App, Name, Act string
	// State is how the account stands, and Bare says that it has no factor.
	State string
	Bare  bool
	// Reason is what was typed before.
	Reason string
}
