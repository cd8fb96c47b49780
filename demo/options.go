package demo

import (
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Names of the cookies.
const (
	// SessionCookie is HttpOnly, SameSite=Lax and changes at every sign-in.
	SessionCookie = "ledger_session"
	// APICookie is the session of [Knobs.APISession]: HttpOnly, Path=/api.
	APICookie = "ledger_api"
	// LastCookie is HttpOnly and shows that somebody has signed in.
	LastCookie = "ledger_last"
	// RememberCookie is HttpOnly, and signs its account in again ([Knobs.Remembers]).
	RememberCookie = "ledger_remember"
	// ThemeCookie holds auto, light or dark. Scripts read and write it.
	ThemeCookie = "theme"
	// TokenCookie carries the form token with [Knobs.DoubleSubmit]. Scripts read it.
	TokenCookie = "ledger_csrf"
)

// Passwords and API keys of the accounts that [DefaultUsers] makes.
const (
	AlicePassword = "alice-password"
	AliceAPIKey   = "alice-api-key"
	BobPassword   = "bob-password"
	BobAPIKey     = "bob-api-key"
)

// User is an account of the app.
type User struct {
	// Login is the account's name. Case and surrounding spaces of a typed name do not matter.
	Login string
	// Name is what pages call the person. Default: Login.
	Name string
	// Email signs in as well as Login does, unless it is empty.
	Email string
	// Password is at most 72 bytes long, which is bcrypt's limit.
	Password string
	// APIKey is accepted in the header X-Api-Key on /api/*, unless it is empty.
	APIKey string
}

// DefaultUsers returns two accounts: alice (alice@example.com, [AlicePassword]) and bob (bob@example.com,
// [BobPassword]).
func DefaultUsers() []User {
	return []User{
		{Login: "alice", Name: "Alice Liddell", Email: "alice@example.com", Password: AlicePassword, APIKey: AliceAPIKey},
		{Login: "bob", Name: "Bob Builder", Email: "bob@example.com", Password: BobPassword, APIKey: BobAPIKey},
	}
}

// Link is an entry of the navigation that the operator added.
type Link struct{ Text, URL string }

// Options of an app. The zero value is ready for use.
type Options struct {
	// Title names the app on its pages. Default: Ledger.
	Title string
	// Users are the accounts. Default: [DefaultUsers].
	Users []User
	// Cost is bcrypt's cost. Default: [bcrypt.MinCost], because no real passwords are kept here.
	Cost int
	// ResetTokens maps the tokens of password-reset links to logins. More come from [App.ResetToken].
	ResetTokens map[string]string
	// Links are shown in the navigation of a signed-in user.
	Links []Link
	// FileLimit is the greatest size of one uploaded file, in bytes. Default: 16 MiB.
	FileLimit int64
	// StoreLimit is the greatest size of all files of one account, in bytes. Default: 64 MiB.
	StoreLimit int64
	// Events is the default number of events in a stream. Default: 5.
	Events int
	// EventInterval is the time between two events. Default: 1 s.
	EventInterval time.Duration
	// Now is the clock. Default: [time.Now].
	Now func() time.Time
	// Knobs make the app behave like some odd but real app. For tests.
	Knobs Knobs
}

// withDefaults sets the defaults of zero fields.
func (o Options) withDefaults() Options {
	if o.Title == "" {
		o.Title = "Ledger"
	}
	if o.Users == nil {
		o.Users = DefaultUsers()
	}
	if o.Cost == 0 {
		o.Cost = bcrypt.MinCost
	}
	if o.FileLimit == 0 {
		o.FileLimit = 16 << 20
	}
	if o.StoreLimit == 0 {
		o.StoreLimit = 64 << 20
	}
	if o.Events == 0 {
		o.Events = 5
	}
	if o.EventInterval == 0 {
		o.EventInterval = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
