package pages

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"sallyport.example/sallyport/locale"
)

// The messages of the trial's pages, which no catalogue has.
const trialStatus, trialAlert = "Status in trial.", "Alert in trial."

// maxProblems is how many problems one error tells.
const maxProblems = 12

// trial is one page as somebody may meet it.
type trial struct {
	name string
	show func(w http.ResponseWriter) error
}

// sheet takes a page.
type sheet struct {
	header http.Header
	bytes.Buffer
}

func (s *sheet) Header() http.Header { return s.header }
func (s *sheet) WriteHeader(int)     {}

// tryOn renders every page in all its states and languages, with an operator's templates, and compares the fixed hooks
// of each with those of the gateway's own page. The error names each page with what is wrong with it.
func (r *Renderer) tryOn() error {
	wanted, err := ownHooks()
	if err != nil {
		return err
	}
	var problems []error
	known := make(map[string]bool)
	add := func(problem string) {
		if !known[problem] {
			known[problem] = true
			problems = append(problems, errors.New(problem))
		}
	}
	for _, e := range r.library.editions {
		if r.language != "" && r.edition("") != e {
			continue // nobody will see it
		}
		only := *r
		only.language = e.Language
		for i, t := range only.trials() {
			got, err := only.try(t)
			if err != nil {
				add(err.Error())
				continue
			}
			for _, problem := range got.against(wanted[i], []string{trialStatus, trialAlert}) {
				add("page " + t.name + ": " + problem)
			}
		}
		if len(problems) > 0 {
			// The other languages would say the same again.
			break
		}
	}
	if len(problems) > maxProblems {
		problems = append(problems[:maxProblems], fmt.Errorf("and %d more", len(problems)-maxProblems))
	}
	return errors.Join(problems...)
}

// own are the hooks of the gateway's own pages. They do not depend on the language, and nothing of an operator's
// changes them, so they are found once.
var own struct {
	find  sync.Once
	hooks []hooks
	err   error
}

// ownHooks are those of the gateway's own pages, in the order of trials.
func ownHooks() ([]hooks, error) {
	own.find.Do(func() {
		plain := New(Options{Language: locale.Fallback})
		for _, t := range plain.trials() {
			var found hooks
			if found, own.err = plain.try(t); own.err != nil {
				return
			}
			own.hooks = append(own.hooks, found)
		}
	})
	return own.hooks, own.err
}

// try renders a page and finds its hooks.
func (r *Renderer) try(t trial) (hooks, error) {
	w := &sheet{header: make(http.Header)}
	if err := t.show(w); err != nil {
		return hooks{}, err
	}
	return r.findHooks(w.String(), trialForm)
}

const (
	trialForm = "form-token-in-trial"
	trialKey  = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	trialURI  = "otpauth://totp/App:user?secret=" + trialKey + "&issuer=App"
)

// trials are the pages in all states that a template can tell apart. Whoever gives a page a new state adds it here.
func (r *Renderer) trials() (all []trial) {
	add := func(name string, show func(w http.ResponseWriter) error) { all = append(all, trial{name, show}) }
	user := Common{App: "App", Base: "/base", User: "user", Form: trialForm}
	said, refused, waiting, wrong, locked := user, user, user, user, user
	said.Status = trialStatus
	refused.Alert = trialAlert
	waiting.Alert, waiting.Wait = trialAlert, 2*time.Hour
	wrong.Alert, locked.Alert = AlertWrongCode, AlertStopped
	nobody := Common{App: "App", Base: "/base"}
	signedOut := nobody
	signedOut.Form = trialForm
	at := time.Date(2026, time.March, 9, 8, 5, 0, 0, time.UTC)

	for _, c := range []Common{user, said, refused, waiting, wrong, locked, signedOut} {
		add("challenge", func(w http.ResponseWriter) error { return r.Challenge(w, 200, ChallengeView{Common: c}) })
		add("challenge", func(w http.ResponseWriter) error {
			return r.Challenge(w, 200, ChallengeView{Common: c, Remember: 30 * 24 * time.Hour})
		})
		add("trust", func(w http.ResponseWriter) error {
			return r.Trust(w, 200, TrustView{Common: c, Remember: time.Hour})
		})
		add("challenge", func(w http.ResponseWriter) error {
			return r.Challenge(w, 200, ChallengeView{Common: c, Remember: time.Hour, Key: "key-in-trial", Device: "device-in-trial"})
		})
		add("recovery", func(w http.ResponseWriter) error { return r.Recovery(w, 200, RecoveryView{Common: c}) })
		for _, yes := range []bool{false, true} {
			add("setupstart", func(w http.ResponseWriter) error {
				return r.SetUpStart(w, 200, SetUpStartView{Common: c, Enrolling: true, NeedCode: yes, Reset: yes})
			})
			add("setupstart", func(w http.ResponseWriter) error {
				return r.SetUpStart(w, 200, SetUpStartView{Common: c, Enrolling: yes})
			})
			add("setupstart", func(w http.ResponseWriter) error {
				return r.SetUpStart(w, 403, SetUpStartView{Common: c, Enrolling: yes, NeedCode: true, Elsewhere: true})
			})
			add("setupstart", func(w http.ResponseWriter) error {
				return r.SetUpStart(w, 200, SetUpStartView{Common: c, Enrolling: true, Due: at, Later: yes})
			})
		}
		settings := []SettingsView{
			{Common: c},
			{Common: c, Required: true},
			{Common: c, Required: true, Due: at},
			{Common: c, Enrolled: true, Since: at, Used: at, RecoveryLeft: 8, RecoveryTotal: 10, Unsaved: true, Home: "/home"},
			{Common: c, Enrolled: true, RecoveryLeft: 1, RecoveryTotal: 10, Required: true},
			{Common: c, Enrolled: true, RecoveryTotal: 10},
			{Common: c, Enrolled: true, Remember: true},
			{
				Common: c, Enrolled: true, Remember: true,
				Trusted: []TrustedLine{{ID: "a", Browser: "Browser", Used: at, Until: at}, {ID: "b"}},
				Sessions: []SessionLine{
					{ID: "a", Current: true, Browser: "Browser", Address: "192.0.2.1", Seen: at}, {ID: "b", Waiting: true, Seen: at},
				},
				Activity: []ActivityLine{{Kind: "failure", Count: 2, At: at, Browser: "Browser", Address: "192.0.2.1"}, {Kind: "reset", At: at}},
			},
		}
		for _, v := range settings {
			add("settings", func(w http.ResponseWriter) error { return r.Settings(w, 200, v) })
		}
		behind := &settings[3]
		for _, v := range []SetUpView{
			{Common: c, URI: trialURI, Key: trialKey},
			{Common: c, URI: trialURI, Key: trialKey, Enrolling: true, Others: []string{kindPasskey}},
			{Common: c, URI: trialURI, Key: trialKey, Reset: true, Behind: behind},
			{Common: c, URI: trialURI, Key: trialKey, Algorithm: "SHA512", Digits: 8, Period: time.Minute, Behind: &settings[0]},
			{Common: c, URI: trialURI + "&image=" + strings.Repeat("x", qrLimit), Key: trialKey},
		} {
			add("setup", func(w http.ResponseWriter) error { return r.SetUp(w, 200, v) })
		}
		for _, v := range []ConfirmView{
			{Common: c},
			{Common: c, NeedCode: true, Behind: behind},
			{Common: c, NeedCode: true, CanRecover: true},
			{Common: c, NeedCode: true, CanRecover: true, Recovery: true},
		} {
			add("confirm", func(w http.ResponseWriter) error { return r.ConfirmReset(w, 200, v) })
			add("confirm", func(w http.ResponseWriter) error { return r.ConfirmDisable(w, 200, v) })
			add("confirm", func(w http.ResponseWriter) error { return r.ConfirmRecoveryCodes(w, 200, v) })
		}
		add("codes", func(w http.ResponseWriter) error {
			return r.RecoveryCodes(w, 200, RecoveryCodesView{Common: c, Codes: []string{"aaaa-bbbb", "cccc-dddd"}})
		})
		for _, v := range []ExposedView{
			{Common: c, SignIns: []ExposedLine{{At: time.Unix(0, 0), Address: "a", Browser: "b"}, {}}}, {Common: c, Change: "/change"}, {Common: c},
		} {
			add("exposed", func(w http.ResponseWriter) error { return v.Show(r, w, 200) })
		}
		add("used", func(w http.ResponseWriter) error {
			return r.RecoveryUsed(w, 200, RecoveryUsedView{Common: c, RecoveryLeft: 2, RecoveryTotal: 10})
		})
	}
	for _, c := range []Common{user, refused} {
		r.passkeyTrials(c, add)
		add("desk", func(w http.ResponseWriter) error { return r.Desk(w, 200, DeskView{Common: c, Apps: []string{"app"}}) })
		add("desk", func(w http.ResponseWriter) error {
			return r.Desk(w, 200, DeskView{Common: c, Apps: []string{"app"}, Asked: true, Next: "x", Users: []DeskLine{{Name: "a", State: "stopped"}}})
		})
		add("deskuser", func(w http.ResponseWriter) error {
			return r.DeskUser(w, 200, DeskUserView{
				Common: c, App: "app", Name: "a", State: "throttled", Until: at, CodeUntil: at, Owed: true, Code: "1234-5678", Expires: at,
				Factors: []FactorLine{{ID: "a", Kind: "totp", Created: at}}, Sessions: []SessionLine{{ID: "b", Waiting: true, Seen: at}},
				Activity: []ActivityLine{{Kind: "operator-code", At: at}},
			})
		})
		add("deskact", func(w http.ResponseWriter) error {
			return r.DeskAct(w, 200, DeskActView{Common: c, App: "app", Name: "a", Act: "code", State: "stopped"})
		})
	}
	for _, c := range []Common{user, nobody} {
		for _, v := range []ErrorView{
			{Common: c, Kind: ErrorInternal},
			{Common: c, Title: "Title", Happened: trialAlert, Advice: "Advice", RetryAfter: 5 * time.Second, Link: Link{Href: "/login"}},
		} {
			add("notice", func(w http.ResponseWriter) error { return r.Error(w, 200, v) })
		}
		add("notice", func(w http.ResponseWriter) error {
			return r.SignedOut(w, 200, SignedOutView{Common: c, Login: "/login"})
		})
	}
	return all
}

// passkeyTrials are the pages that passkeys, and several factors, add.
func (r *Renderer) passkeyTrials(c Common, add func(string, func(http.ResponseWriter) error)) {
	for _, v := range []ChallengeView{
		{Common: c, Way: kindPasskey, Ways: []string{kindApp}},
		{Common: c, Ways: []string{kindPasskey}},
		{Common: c, Nowhere: true},
		{Common: c, Way: kindPasskey, Remember: time.Hour, Key: "key-in-trial", Device: "device-in-trial"},
		{Common: c, Way: kindMail, To: "u…@example.com", Ways: []string{kindApp}},
		{Common: c, Way: kindMail, To: "u…@example.com", Asked: true, Remember: time.Hour, Key: "key-in-trial", Device: "device-in-trial"},
	} {
		add("challenge", func(w http.ResponseWriter) error { return r.Challenge(w, 200, v) })
	}
	several := SettingsView{
		Common: c, Enrolled: true, Offered: []string{kindPasskey},
		Factors: []FactorLine{{ID: "a", Kind: kindApp, Name: "Name"}, {ID: "b", Kind: kindPasskey, Name: "Name", Synced: true}, {ID: "c", Kind: kindApp}},
	}
	alone := SettingsView{Common: c, Enrolled: true, Offered: []string{kindApp, kindPasskey}, Factors: []FactorLine{{ID: "a", Kind: kindPasskey}}}
	for _, v := range []SettingsView{several, alone} {
		add("settings", func(w http.ResponseWriter) error { return r.Settings(w, 200, v) })
	}
	for _, v := range []SetUpPasskeyView{{Common: c, Enrolling: true, Others: []string{kindApp}}, {Common: c, Further: true, Behind: &several}} {
		add("setuppasskey", func(w http.ResponseWriter) error { return SetUpPasskey(r, w, 200, v) })
	}
	further := SetUpView{Common: c, URI: trialURI, Key: trialKey, Further: true}
	add("setup", func(w http.ResponseWriter) error { return r.SetUp(w, 200, further) })
	app := ConfirmView{Common: c, NeedCode: true, CanRecover: true, Passkey: true, Factor: "id", Kind: kindPasskey, Name: "Name"}
	none := ConfirmView{Common: c, NeedCode: true, CanRecover: true, Passkey: true, NoApp: true, Factor: "id", Kind: kindApp, Last: true}
	for _, v := range []ConfirmView{app, none} {
		add("confirm", func(w http.ResponseWriter) error { return ConfirmAdd(r, w, 200, v) })
		add("confirm", func(w http.ResponseWriter) error { return ConfirmRename(r, w, 200, v) })
		add("confirm", func(w http.ResponseWriter) error { return ConfirmRemove(r, w, 200, v) })
		add("confirm", func(w http.ResponseWriter) error { return r.ConfirmReset(w, 200, v) })
	}
}
