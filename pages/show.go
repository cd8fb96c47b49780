package pages

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"sallyport.example/sallyport/locale"
)

// errURI does not quote the address: it holds the secret.
var errURI = errors.New("the set-up address is not an otpauth address")

// Challenge shows the page that asks for a code. A wrong code is 422 with AlertWrongCode.
func (r *Renderer) Challenge(w http.ResponseWriter, status int, v ChallengeView) error {
	if v.Way == "" {
		v.Way = kindApp
	}
	heading, byCode := "challenge.title", v.Way != kindPasskey && !v.Nowhere
	if !byCode {
		heading = "challenge.passkey"
	}
	return r.render(w, status, "challenge", heading, page{
		Common: v.Common, View: challenge{v, waysOf(v.Ways)}, Trusts: v.Key != "", Passkeys: v.Way == kindPasskey && !v.Nowhere, Narrow: true,
		Field: field{Digits: v.Digits, Period: v.Period, Focus: byCode, Complete: true, Sent: isSent(v.Way)},
	})
}

// trust is what the template of the question sees.
type trust struct {
	TrustView
	// Kept is for how many seconds the script keeps a key.
	Kept int64
}

// Trust shows the page that asks whether to trust this browser; it posts to Base/trust.
func (r *Renderer) Trust(w http.ResponseWriter, status int, v TrustView) error {
	question, err := r.edition(v.Languages).trusts(v.Remember)
	if err != nil {
		return errors.Join(err, r.Error(w, http.StatusInternalServerError, ErrorView{Common: v.Common, Kind: ErrorInternal}))
	}
	return r.render(w, status, "trust", question, page{
		Common: v.Common, View: trust{v, locale.Up(v.Remember, time.Second)}, Trusts: true, Narrow: true,
	})
}

// Recovery shows the page that asks for a recovery code.
func (r *Renderer) Recovery(w http.ResponseWriter, status int, v RecoveryView) error {
	return r.render(w, status, "recovery", "recovery.title", page{
		Common: v.Common, View: v, Narrow: true, Field: field{Recovery: true, Focus: true},
	})
}

// setUpStart is what its template sees.
type setUpStart struct {
	SetUpStartView
	// Days are left until Due, rounded; the page says exactly when that is.
	Days int64
}

// SetUpStart shows why to set up a second factor, and the button that begins it.
func (r *Renderer) SetUpStart(w http.ResponseWriter, status int, v SetUpStartView) error {
	v.Next = local(v.Next, strings.TrimSuffix(v.Base, "/")+"/")
	view := setUpStart{SetUpStartView: v, Days: max(int64(v.Due.Sub(r.now()).Round(24*time.Hour)/(24*time.Hour)), 1)}
	return r.render(w, status, "setupstart", "setup.title", page{
		Common: v.Common, View: view, SignOut: true, Field: field{Focus: v.NeedCode},
	})
}

// setUp is what the template of the set-up page sees.
type setUp struct {
	SetUpView
	QR   template.HTML
	Link template.URL
	// Unusual says that the algorithm, the digits or the period must be typed along with the key.
	Unusual bool
	// Seconds is the period.
	Seconds int64
	// Groups are the key in fours, which is how people read it.
	Groups []string
	// Instead are the ways that can be chosen in its place.
	Instead []way
}

// SetUp shows the QR code and the key, and asks for the code that proves that they have arrived.
func (r *Renderer) SetUp(w http.ResponseWriter, status int, v SetUpView) error {
	if v.Digits == 0 {
		v.Digits = 6
	}
	if v.Algorithm == "" {
		v.Algorithm = "SHA1"
	}
	if v.Period == 0 {
		v.Period = 30 * time.Second
	}
	v.Key = strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) {
			return -1
		}
		return c
	}, v.Key)
	heading := "setup.title"
	switch {
	case v.Reset:
		heading = "reset.setup.title"
	case v.Further:
		heading = "add.totp.title"
	}
	view := setUp{SetUpView: v, Unusual: v.Digits != 6 || v.Algorithm != "SHA1" || v.Period != 30*time.Second, Seconds: locale.Up(v.Period, time.Second), Instead: insteadOf(v.Others)}
	for i := 0; i < len(v.Key); i += 4 {
		view.Groups = append(view.Groups, v.Key[i:min(i+4, len(v.Key))])
	}
	p := page{
		Common: v.Common, SignOut: true, Behind: r.settings(v.Behind), Opener: "open-setup",
		// On a telephone the focus on the field would scroll the QR code out of sight.
		Field: field{Digits: v.Digits, Period: v.Period, Focus: v.Alert != "" || v.Wait > 0},
	}
	switch {
	case v.Reset:
		p.Opener = "open-reset"
	case v.Further:
		p.Opener = "open-add-totp"
	}

	var err error
	if strings.HasPrefix(v.URI, "otpauth://totp/") {
		view.Link = template.URL(v.URI) //nolint:gosec // the scheme was looked at; the template still escapes quotes.
		view.QR, err = qrSVG(v.URI, r.edition(v.Languages).Message("setup.qr"))
	} else {
		err = errURI
	}
	if err != nil {
		return errors.Join(err, r.Error(w, http.StatusInternalServerError, ErrorView{Common: v.Common, Kind: ErrorInternal}))
	}
	p.View = view
	return r.render(w, status, "setup", heading, p)
}

// confirmation is what the template of the confirmations sees.
type confirmation struct {
	ConfirmView
	// Lead, Others and Submit are keys of messages; Path is below Base.
	Lead, Others, Submit, Path string
	// Opener is the id of the settings page's button that leads here.
	Opener string
	Danger bool
	// Renames asks for a name.
	Renames bool
}

// ConfirmReset asks before a token is replaced; it posts to Base/reset.
func (r *Renderer) ConfirmReset(w http.ResponseWriter, status int, v ConfirmView) error {
	return r.confirm(w, status, "reset", confirmation{ConfirmView: v, Path: "/reset", Opener: "open-reset"})
}

// ConfirmDisable asks before two-factor authentication is disabled; it posts to Base/disable.
func (r *Renderer) ConfirmDisable(w http.ResponseWriter, status int, v ConfirmView) error {
	return r.confirm(w, status, "disable", confirmation{ConfirmView: v, Path: "/disable", Opener: "open-disable", Danger: true})
}

// ConfirmRecoveryCodes asks before recovery codes are replaced; it posts to Base/recovery-codes.
func (r *Renderer) ConfirmRecoveryCodes(w http.ResponseWriter, status int, v ConfirmView) error {
	return r.confirm(w, status, "renew", confirmation{ConfirmView: v, Path: "/recovery-codes", Opener: "open-codes"})
}

func (r *Renderer) confirm(w http.ResponseWriter, status int, kind string, view confirmation) error {
	view.Lead, view.Others, view.Submit = kind+".lead", cmp.Or(view.Others, kind+".others"), cmp.Or(view.Submit, kind+".submit")
	// Who has no authenticator types a recovery code, where it is asked for, or nothing.
	byCode := view.NeedCode && (!view.NoApp || view.Recovery || !view.Passkey)
	sent := view.Proof != "" || view.NoApp && len(view.Sends) > 0
	view.NoApp = view.NoApp && !view.Recovery && view.Passkey
	return r.render(w, status, "confirm", kind+".title", page{
		Common: view.Common, View: view, SignOut: true, Behind: r.settings(view.Behind), Opener: view.Opener,
		Passkeys: view.NeedCode && view.Passkey,
		Field:    field{Digits: view.Digits, Period: view.Period, Recovery: view.Recovery, Either: true, Sent: sent, Focus: byCode && !view.Renames},
	})
}

// recoveryCodes is what the template of the recovery codes sees.
type recoveryCodes struct {
	RecoveryCodesView
	// File says whose codes these are, on paper and at the top of the text file; FileName is that file's.
	File, FileName string
}

// RecoveryCodes shows new recovery codes.
func (r *Renderer) RecoveryCodes(w http.ResponseWriter, status int, v RecoveryCodesView) error {
	view := recoveryCodes{RecoveryCodesView: v, FileName: fileName(v.App)}
	var err error
	if words := r.edition(v.Languages); v.User != "" {
		view.File, err = words.Text("codes.file", locale.Harmless(v.User), locale.Harmless(v.App))
	} else {
		view.File, err = words.Text("codes.file.nobody", locale.Harmless(v.App))
	}
	return errors.Join(err, r.render(w, status, "codes", "codes.title", page{Common: v.Common, View: view, SignOut: true}))
}

// RecoveryUsed says that a recovery code was used.
func (r *Renderer) RecoveryUsed(w http.ResponseWriter, status int, v RecoveryUsedView) error {
	return r.render(w, status, "used", "activity.sign-in-recovery", page{Common: v.Common, View: v, Narrow: true})
}

// Show shows the page.
func (v ExposedView) Show(r *Renderer, w http.ResponseWriter, status int) error {
	title := "exposed.title"
	if len(v.SignIns) == 0 {
		title = "exposed.change-title"
	}
	v.Change = local(v.Change, "")
	return r.render(w, status, "exposed", title, page{Common: v.Common, View: v, Narrow: true})
}

// fileName is a name for the file with the recovery codes that every file system takes.
func fileName(app string) string {
	parts := strings.FieldsFunc(strings.ToLower(app), func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') })
	name := strings.Join(append([]string{"recovery-codes"}, parts...), "-")
	return name[:min(len(name), 60)] + ".txt"
}

// Settings shows the settings page.
func (r *Renderer) Settings(w http.ResponseWriter, status int, v SettingsView) error {
	v.Home = local(v.Home, "/")
	return r.render(w, status, "settings", "settings.title", page{Common: v.Common, View: r.listed(v), SignOut: true})
}

// notice is what the template of errors and of the signed-out page sees.
type notice struct {
	Happened, Advice string
	RetryAfter       time.Duration
	Link             Link
	// Bad makes it an error, and Asks names who is to be asked.
	Bad, Asks bool
}

// Error shows what went wrong and what to do.
func (r *Renderer) Error(w http.ResponseWriter, status int, v ErrorView) error {
	words := r.edition(v.Languages)
	if !words.Has("error." + string(v.Kind) + ".title") {
		v.Kind = ErrorInternal
	}
	for part, said := range map[string]*string{"title": &v.Title, "happened": &v.Happened, "advice": &v.Advice} {
		if *said == "" {
			*said = "error." + string(v.Kind) + "." + part
		}
	}
	view := notice{
		Happened: words.Message(v.Happened), Advice: words.Message(v.Advice),
		RetryAfter: v.RetryAfter, Link: words.link(v.Link), Bad: true, Asks: asks[v.Kind],
	}
	if v.RetryAfter > 0 && w.Header().Get("Retry-After") == "" && (status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable) {
		w.Header().Set("Retry-After", fmt.Sprint(locale.Up(v.RetryAfter, time.Second)))
	}
	// What is said is said below the heading; a message from a session would only stand in its way.
	v.Status, v.Alert, v.Wait = "", "", 0
	return r.render(w, status, "notice", v.Title, page{Common: v.Common, View: view, SignOut: true, Narrow: true})
}

// SignedOut says that the session has ended and where to sign in again.
func (r *Renderer) SignedOut(w http.ResponseWriter, status int, v SignedOutView) error {
	words := r.edition(v.Languages)
	return r.render(w, status, "notice", "signed-out.title", page{Common: v.Common, View: notice{
		Happened: words.Message("signed-out.happened"), Advice: words.Message("signed-out.advice"),
		Link: words.link(Link{Href: local(v.Login, "/"), Label: LabelSignIn}),
	}, Narrow: true})
}

// link gives a link its words, and drops one that leads elsewhere.
func (e *edition) link(l Link) Link {
	l.Href = local(l.Href, "")
	if l.Label == "" {
		l.Label = LabelContinue
	}
	l.Label = e.Message(l.Label)
	return l
}

// The keys of what the help desk says of states, kinds and acts.
var (
	deskStates = map[string]string{
		"enrolled": "desk.state.enrolled", "waiting": "desk.state.waiting", "throttled": "desk.state.throttled", "stopped": "desk.state.stopped",
	}
	deskKinds = map[string]string{
		"totp": "settings.app", "passkey": "desk.kind.passkey", "mail": "desk.kind.mail", "sms": "desk.kind.sms",
	}
	deskActs = map[string][2]string{
		"reset": {"desk.reset.title", "desk.reset.lead"}, "unlock": {"desk.unlock.title", "desk.unlock.lead"},
		"sign-out": {"desk.sign-out.title", "desk.sign-out.lead"}, "code": {"desk.code.title", "desk.code.lead"},
	}
)

// deskUser is what the template of a user at the help desk sees.
type deskUser struct {
	DeskUserView
	// Lists are the sessions and the activity, ready to be shown, and Kinds what the kinds of factors are called.
	Lists    settingsLists
	Kinds    map[string]string
	StateKey string
	Acts     []string
}

// Title is the key of an act's title.
func (deskUser) Title(act string) string { return deskActs[act][0] }

// deskPage is a page of the help desk, which has its title for a name.
func deskPage(r *Renderer, common Common, view any) page {
	common.App = r.edition(common.Languages).Message("desk.title")
	return page{Common: common, View: view, Desk: true}
}

// Desk shows the help desk's search.
func (r *Renderer) Desk(w http.ResponseWriter, status int, v DeskView) error {
	words := r.edition(v.Languages)
	for i, user := range v.Users {
		kinds := slices.Clone(user.Kinds)
		for at, kind := range kinds {
			kinds[at] = words.Message(cmp.Or(deskKinds[kind], kind))
		}
		v.Users[i].State, v.Users[i].Kinds = cmp.Or(deskStates[user.State], user.State), kinds
	}
	return r.render(w, status, "desk", "desk.results", deskPage(r, v.Common, v))
}

// DeskUser shows how a user stands, and what can be done.
func (r *Renderer) DeskUser(w http.ResponseWriter, status int, v DeskUserView) error {
	lists := r.listed(SettingsView{Common: v.Common, Sessions: v.Sessions, Activity: v.Activity})
	view := deskUser{
		DeskUserView: v, Lists: lists, StateKey: cmp.Or(deskStates[v.State], v.State), Kinds: make(map[string]string),
		Acts: []string{"code", "reset", "unlock", "sign-out"},
	}
	view.Factors = slices.Clone(v.Factors)
	for i, f := range view.Factors {
		view.Factors[i].Name = locale.Harmless(f.Name)
		view.Kinds[f.Kind] = r.edition(v.Languages).Message(cmp.Or(deskKinds[f.Kind], f.Kind))
	}
	return r.render(w, status, "deskuser", "desk.results", deskPage(r, v.Common, view))
}

// DeskAct asks for the reason of an act, and says what will be so.
func (r *Renderer) DeskAct(w http.ResponseWriter, status int, v DeskActView) error {
	act := deskActs[v.Act]
	view := struct {
		DeskActView
		Lead string
	}{v, act[1]}
	if v.Act == "code" && v.Bare {
		view.Lead = "desk.code.first"
	}
	return r.render(w, status, "deskact", act[0], deskPage(r, v.Common, view))
}

// DeskRefused says that a page of the help desk is not for who asks for it, or that there is none.
func DeskRefused(r *Renderer, w http.ResponseWriter, status int, common Common, kind ErrorKind, happened string) error {
	words := r.edition(common.Languages)
	view := notice{Happened: words.Message(happened), Bad: true}
	if common.User != "" {
		view.Link = words.link(Link{Href: strings.TrimSuffix(common.Base, "/") + "/", Label: LabelDesk})
	}
	common.User = ""
	return r.render(w, status, "notice", "error."+string(kind)+".title", deskPage(r, common, view))
}
