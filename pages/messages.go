package pages

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport.example/sallyport/locale"
)

// Notices for Common.Status. They are keys and so may be kept in a session until the next page.
const (
	NoticeEnabled       = "notice.enabled"
	NoticeReset         = "notice.reset"
	NoticeDisabled      = "notice.disabled"
	NoticeRecoveryCodes = "notice.recovery-codes"
	NoticeRecoveryUsed  = "notice.recovery-used"

	NoticeAdded   = "notice.added"
	NoticeRemoved = "notice.removed"
	NoticeRenamed = "notice.renamed"

	NoticeCodeSent = "notice.code-sent"

	NoticeBrowserForgotten  = "notice.browser-forgotten"
	NoticeBrowsersForgotten = "notice.browsers-forgotten"
	NoticeSessionEnded      = "notice.session-ended"
	NoticeSessionsEnded     = "notice.sessions-ended"
)

// Alerts for Common.Alert.
const (
	// AlertWrongCode is for a wrong code.
	AlertWrongCode = "alert.wrong-code"
	// AlertUsedCode is for the code that was used last; Common.Wait is until the next one.
	AlertUsedCode = "alert.used-code"
	// AlertWrongRecoveryCode is for a wrong or used recovery code.
	AlertWrongRecoveryCode = "alert.wrong-recovery-code"
	// AlertWrongOperatorCode is for a wrong code of the form that operators make, or one that was used or has ended.
	AlertWrongOperatorCode = "alert.wrong-operator-code"
	// AlertWrongNewCode is for a code that does not belong to the token being set up.
	AlertWrongNewCode = "alert.wrong-new-code"
	// AlertWrongPasskey is for a passkey that was not accepted, AlertPasskeyCopied for one of which there may be a
	// copy, and AlertNoPasskey for a user who has none that can be used here.
	AlertWrongPasskey  = "alert.wrong-passkey"
	AlertPasskeyCopied = "alert.passkey-copied"
	AlertNoPasskey     = "alert.no-passkey"
	// AlertNoAddress is for a way by which no code can be sent to the user, and AlertAddress for an address that was
	// typed and is none. AlertLimited is for a code that is not sent because enough were, AlertSender for one that the
	// sender did not take, and AlertTooWeak for one that proves nothing where the user has something stronger.
	AlertNoAddress = "alert.no-address"
	AlertAddress   = "alert.address"
	AlertLimited   = "alert.limited"
	AlertSender    = "alert.sender"
	AlertTooWeak   = "alert.too-weak"
	// AlertElsewhere is for an address from which no first factor can be set up.
	AlertElsewhere = "alert.elsewhere"
	// AlertTooMany is for a factor more than there may be.
	AlertTooMany = "alert.too-many"
	// AlertNoCode is for an empty field.
	AlertNoCode = "alert.no-code"
	// AlertThrottled is for attempts that come too soon; see Common.Wait.
	AlertThrottled = "alert.throttled"
	// AlertStopped is for a user whose attempts are refused until an operator acts.
	AlertStopped = "alert.stopped"
	// AlertStale is for a set-up or reset that something else overtook.
	AlertStale = "alert.stale"
	// AlertAlreadyEnrolled is for a set-up where there is a token by now.
	AlertAlreadyEnrolled = "alert.already-enrolled"
	// AlertNotEnrolled is for a change to a token that is no longer there.
	AlertNotEnrolled = "alert.not-enrolled"
	// AlertRequired is for disabling what is required.
	AlertRequired = "alert.required"
	// AlertTrustLate is for trusting a browser when the code is no longer fresh, or was for factors that have changed.
	AlertTrustLate = "alert.trust-late"
	// AlertGraceOver is for going on without a second factor when one is required by now.
	AlertGraceOver = "alert.grace-over"
)

// Labels for Link.Label.
const (
	LabelContinue = "label.continue"
	LabelRetry    = "label.retry"
	LabelSettings = "label.settings"
	LabelSignIn   = "label.sign-in"
	// LabelDesk leads back to the search of the help desk.
	LabelDesk = "desk.back"
)

// What the help desk says of what was done, by act, and when nothing was.
const (
	DeskReset     = "desk.done.reset"
	DeskUnlocked  = "desk.done.unlock"
	DeskSignedOut = "desk.done.sign-out"
	DeskCode      = "desk.done.code"
	// DeskHalf is for a reset whose second half, the end of the sessions, could not be done.
	DeskHalf = "desk.half"
	// DeskNoReason is for an act without a reason.
	DeskNoReason = "desk.reason.missing"
	// DeskForbidden is for who is no operator, DeskUnknown for a user or an app that there is not.
	DeskForbidden = "desk.forbidden"
	DeskUnknown   = "desk.unknown"
)

// linkSettings is what the link to the settings page says that stands in the app's own pages; see
// Renderer.SettingsLink.
const linkSettings = "settings.link"

// ErrorKind names an error that has words in the catalogue.
type ErrorKind string

// The errors that a user may meet. The status beside each is what fits it; the caller decides.
const (
	// ErrorInternal: a fault of the gateway's own (500).
	ErrorInternal ErrorKind = "internal"
	// ErrorUnavailable: secrets or sessions cannot be reached just now (503).
	ErrorUnavailable ErrorKind = "unavailable"
	// ErrorApp: the app did not answer, or not so that it could be understood (502).
	ErrorApp ErrorKind = "app"
	// ErrorIdentity: it could not be established whose account the app opened (403, 502).
	ErrorIdentity ErrorKind = "identity"
	// ErrorForm: the CSRF token is missing or old, or the request came from elsewhere (403).
	ErrorForm ErrorKind = "form"
	// ErrorUnsent: a form of the app's, filled in when there was a session, was sent when there was none (403).
	ErrorUnsent ErrorKind = "unsent"
	// ErrorForbidden: not allowed to this session (403).
	ErrorForbidden ErrorKind = "forbidden"
	// ErrorRequest: the request is malformed (400).
	ErrorRequest ErrorKind = "request"
	// ErrorTooLarge: the request is too large (413).
	ErrorTooLarge ErrorKind = "too-large"
	// ErrorNotFound: no such page below Base (404).
	ErrorNotFound ErrorKind = "not-found"
	// ErrorMethod: the page does not take this method (405).
	ErrorMethod ErrorKind = "method"
	// ErrorInsecure: the request came over plain HTTP from another machine (403).
	ErrorInsecure ErrorKind = "insecure"
	// ErrorTooEarly: a POST in TLS early data, which could be a replay (425).
	ErrorTooEarly ErrorKind = "too-early"
	// ErrorThrottled: too many attempts (429).
	ErrorThrottled ErrorKind = "throttled"
	// ErrorExpired: the session ended before the factor was passed (403).
	ErrorExpired ErrorKind = "expired"
)

// asks are the errors whose advice is to ask, or tell, an administrator.
var asks = map[ErrorKind]bool{
	ErrorInternal: true, ErrorUnavailable: true, ErrorApp: true, ErrorIdentity: true, ErrorInsecure: true,
}

// Text is a message of the catalogue in plain words, for clients that get no page: a key, or a message in English. What
// is neither is returned as it is. Languages is what the client says in Accept-Language.
func (r *Renderer) Text(languages, message string) string {
	return r.edition(languages).Message(message)
}

// UsedCode is AlertUsedCode in plain words, with the seconds until the next code.
func (r *Renderer) UsedCode(languages string, wait time.Duration) string {
	words, err := r.edition(languages).Text(AlertUsedCode, locale.Up(wait, time.Second))
	if err != nil {
		return r.Text(languages, AlertWrongCode)
	}
	return words
}

// ErrorText is what the page of an error says, in plain words, for clients that get no page: its title, and what
// happened.
func (r *Renderer) ErrorText(v ErrorView) (title, happened string) {
	words := r.edition(v.Languages)
	if !words.Has("error." + string(v.Kind) + ".title") {
		v.Kind = ErrorInternal
	}
	title, happened = v.Title, v.Happened
	if title == "" {
		title = "error." + string(v.Kind) + ".title"
	}
	if happened == "" {
		happened = "error." + string(v.Kind) + ".happened"
	}
	return words.Message(title), words.Message(happened)
}

// settingsLists is what the template of the settings page sees: the view, with words for what has none of its own.
type settingsLists struct {
	SettingsView
	Trusted  []trustedBrowser
	Sessions []openSession
	Activity []activity
}

// trustedBrowser and openSession are lines with a mark: what the browser runs on.
type trustedBrowser struct {
	TrustedLine
	Mark string
}

type openSession struct {
	SessionLine
	Mark string
}

// activity is one line of what happened lately. Bad is what its reader should look at.
type activity struct {
	ActivityLine
	What string
	Bad  bool
}

// badEvents are the kinds of events that their reader should look at.
var badEvents = []string{"failure", "misused", "passkey_copied"}

// listed makes the lists of the settings page ready to be shown: names come from browsers, which may say anything.
func (r *Renderer) listed(v SettingsView) settingsLists {
	words := r.edition(v.Languages)
	unknown := words.Message("settings.unknown")
	name := func(browser string) string { return cmp.Or(locale.Harmless(browser), unknown) }

	lists := settingsLists{SettingsView: v}
	if lists.Factors = slices.Clone(v.Factors); v.Enrolled && len(lists.Factors) == 0 {
		lists.Factors = []FactorLine{{Kind: "totp", Used: v.Used}}
	}
	for i := range lists.Factors {
		lists.Factors[i].Name = locale.Harmless(lists.Factors[i].Name)
		if len(lists.Factors) == 1 && lists.Factors[i].Kind == "totp" {
			lists.Factors[i].Created = time.Time{} // the page says it above
		}
	}
	for _, trusted := range v.Trusted {
		trusted.Browser = name(trusted.Browser)
		lists.Trusted = append(lists.Trusted, trustedBrowser{trusted, markOf(trusted.Browser)})
	}
	for _, session := range v.Sessions {
		session.Browser, session.Address = name(session.Browser), locale.Harmless(session.Address)
		lists.Sessions = append(lists.Sessions, openSession{session, markOf(session.Browser)})
	}
	for _, event := range v.Activity {
		what, err := words.Text("activity."+event.Kind, int64(max(event.Count, 1)))
		if err != nil {
			continue
		}
		event.Browser, event.Address = locale.Harmless(event.Browser), locale.Harmless(event.Address)
		lists.Activity = append(lists.Activity, activity{event, what, slices.Contains(badEvents, event.Kind)})
	}
	return lists
}

// markOf is the mark of a browser, by the name that it is called by.
func markOf(browser string) string {
	for _, small := range []string{"Mobile", "iOS", "Android", "Phone", "iPad"} {
		if strings.Contains(browser, small) {
			return "phone"
		}
	}
	return "desk"
}

// trusts asks whether a browser is to be trusted for so long, in days where it is a day or more.
func (e *edition) trusts(remember time.Duration) (string, error) {
	if remember < 24*time.Hour {
		return e.Text("trust.title.hours", locale.Up(remember, time.Hour))
	}
	return e.Text("trust.title", int64(remember/(24*time.Hour)))
}

// edition is everything that depends on the language: the words, and the templates that are bound to them.
type edition struct {
	*locale.Catalogue
	// pages are made when somebody wants one in this language: most sites meet two languages or three, and what lies in
	// memory for nothing is looked through by each collection of garbage.
	pages func() templates
	// standard are the gateway's own pages, where pages are an operator's; otherwise nil.
	standard func() templates
}

// library are all editions, in the order of locale.All. They depend on nothing but the program, so that all Renderers
// share them.
type library struct{ editions []*edition }

// open binds the templates to each language once. What is wrong with them is wrong with the program, and the tests of
// this package find it.
var open = sync.OnceValue(func() *library {
	l := &library{}
	sources, err := templateSources()
	if err != nil {
		panic(err)
	}
	for _, c := range locale.All() {
		pages := sync.OnceValue(func() templates {
			made, err := parseTemplates(c, sources)
			if err != nil {
				panic(err)
			}
			return made
		})
		l.editions = append(l.editions, &edition{Catalogue: c, pages: pages})
	}
	return l
})

// edition picks the best for what a browser says in Accept-Language.
func (l *library) edition(accept string) *edition { return l.editions[locale.Best(accept)] }

// Language is the tag of the language in which the pages speak to a browser that says this in Accept-Language.
func Language(r *Renderer, accept string) string { return r.edition(accept).Catalogue.Language }

// Languages are the tags (BCP 47) of the languages that the pages speak, English first.
func Languages() []string {
	var tags []string
	for _, c := range locale.All() {
		tags = append(tags, c.Language)
	}
	return tags
}
