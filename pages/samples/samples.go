// Package samples holds every page of the gateway's in all its kinds, as users may meet them, for tests that look at
// pages.
package samples

import (
	"net/http"
	"strings"
	"time"

	"sallyport.example/sallyport/pages"
)

// What the samples show.
const (
	Key   = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	URI   = "otpauth://totp/Example%20Wiki:ada?secret=" + Key + "&issuer=Example%20Wiki&algorithm=SHA1&digits=6&period=30"
	Token = "Zm9ybS10b2tlbi1mb3ItdGVzdHM"
)

// Since is when the user who is shown set up her factor.
var Since = time.Date(2026, time.March, 9, 8, 5, 0, 0, time.FixedZone("CET", 3600))

// Used is when she last used it.
var Used = time.Date(2026, time.November, 24, 17, 41, 12, 0, time.UTC)

// Codes are her recovery codes.
var Codes = []string{
	"k7mq-2xdf-9hwp-t4zc", "b3nv-8rgy-5jqk-w6fd", "x9tc-4mhp-2zvr-g7kn", "d5wq-7bjf-3yxm-p8rh", "h2gz-6kct-9nqv-j4ws",
	"p8fy-3vrd-5xkb-m7tq", "w4jn-9zhc-2gqf-r6yx", "t6bk-5mpw-8dvz-c3hj", "r3xq-7tgn-4wfy-k9cb", "z5hd-2jvm-6pkr-q8nt",
}

// Sample is one page as a user may meet it.
type Sample struct {
	Name string
	// QR is what the page's QR code holds; empty: it has none.
	QR   string
	Show func(w http.ResponseWriter) error
}

// All are all pages in all their kinds, for a browser that says this in Accept-Language; empty: in English.
func All(r *pages.Renderer, languages string) []Sample {
	common := pages.Common{App: "Example Wiki", Base: "/second-factor", User: "ada", Form: Token, Languages: languages}
	with := func(change func(*pages.Common)) pages.Common {
		c := common
		change(&c)
		return c
	}
	hostile := with(func(c *pages.Common) {
		c.User = `<script>alert(1)</script>{{.}}"'` + "\u202e\u05d0evil\u2066" + strings.Repeat("x", 300)
		c.App = strings.Repeat("Application", 30)
	})
	settings := pages.SettingsView{Common: common, Enrolled: true, Since: Since, Used: Used, RecoveryLeft: 8, RecoveryTotal: 10, Home: "/wiki"}
	settings.Factors = []pages.FactorLine{{ID: strings.Repeat("c", 32), Kind: "totp", Created: Since, Used: Used}}
	settings.Remember = true
	settings.Trusted = []pages.TrustedLine{
		{ID: "a1", Browser: "Firefox, Linux", Used: Used, Until: Since.AddDate(1, 0, 0)},
		{ID: "a2", Browser: "Mobile Safari, iOS", Used: Since, Until: Since.AddDate(1, 0, 0)},
	}
	settings.Sessions = []pages.SessionLine{
		{ID: "b1", Browser: "Firefox, Linux", Address: "192.0.2.7", Current: true, Seen: Used},
		{ID: "b2", Browser: "Chrome, Windows", Address: "2001:db8:85a3:8d3:1319:8a2e:370:7348", Waiting: true, Seen: Used},
		{ID: "b3", Seen: Used},
	}
	for i, kind := range []string{
		"sign-in-totp", "failure", "failure", "sign-in-recovery", "sign-in-trusted", "misused", "forgotten", "codes", "reset", "enabled", "unheard-of",
	} {
		settings.Activity = append(settings.Activity, pages.ActivityLine{
			Kind: kind, At: Used.Add(-time.Duration(i) * time.Hour), Browser: "Firefox, Linux", Address: "192.0.2.7", Count: i,
		})
	}
	desk := pages.DeskView{
		Common: pages.Common{Base: "/second-factor", User: "grace", Form: Token, Languages: languages}, Apps: []string{"wiki", "ledger"}, App: "wiki", Name: "ad",
		Asked: true, Next: "MTIz",
	}
	for i, state := range []string{"enrolled", "waiting", "throttled", "stopped"} {
		desk.Users = append(desk.Users, pages.DeskLine{Name: "ad" + strings.Repeat("a", i), State: state, Kinds: []string{"totp", "unheard_of"}})
	}
	helped := pages.DeskUserView{
		Common: desk.Common, App: "wiki", Name: "ada", State: "enrolled", RecoveryLeft: 3, Factors: settings.Factors,
		Sessions: settings.Sessions, Activity: settings.Activity,
	}
	for _, kind := range []string{"operator-reset", "operator-code", "operator-unlock", "operator-sign-out", "sign-in-operator"} {
		helped.Activity = append(helped.Activity, pages.ActivityLine{Kind: kind, At: Used, Count: 1})
	}
	several := settings
	several.Factors = []pages.FactorLine{
		{ID: "f1", Kind: "totp", Created: Since, Used: Used},
		{ID: "f2", Kind: "passkey", Name: "YubiKey 5", Created: Since, Used: Used},
		{ID: "f3", Kind: "passkey", Name: "iCloud Keychain", Created: Since, Synced: true},
		{ID: "f4", Kind: "mail", Created: Since, To: "a•••@example.com"},
	}
	several.Offered = []string{"totp", "passkey", "sms", "unheard_of"}
	both := pages.ConfirmView{Common: common, NeedCode: true, CanRecover: true, Passkey: true, Factor: "f2", Kind: "passkey", Name: "YubiKey 5", Behind: &several}
	alone := both
	alone.NoApp, alone.Last = true, true
	behind := settings
	full := settings
	full.Trusted, full.Sessions, full.Activity = nil, nil, nil
	for i := range 20 {
		if i < 8 {
			full.Trusted = append(full.Trusted, settings.Trusted[1])
			full.Sessions = append(full.Sessions, settings.Sessions[1])
			full.Trusted[i].ID, full.Sessions[i].ID = strings.Repeat("f", 32), strings.Repeat("A", 22)
		}
		full.Activity = append(full.Activity, settings.Activity[5])
	}
	off := pages.SettingsView{Common: common}
	long := "otpauth://totp/Example%20Wiki:" + strings.Repeat("%F0%9F%94%91", 30) + "?secret=" + Key + "&issuer=Example%20Wiki"
	show := func(name string, render func(w http.ResponseWriter) error) Sample {
		return Sample{Name: name, Show: render}
	}
	drawn := func(uri string, s Sample) Sample { s.QR = uri; return s }
	return append([]Sample{
		show("challenge", func(w http.ResponseWriter) error { return r.Challenge(w, 200, pages.ChallengeView{Common: common}) }),
		show("challenge-passkey", func(w http.ResponseWriter) error {
			return r.Challenge(w, 200, pages.ChallengeView{Common: common, Way: "passkey", Ways: []string{"totp"}, Remember: time.Hour})
		}),
		show("challenge-ways", func(w http.ResponseWriter) error {
			return r.Challenge(w, 200, pages.ChallengeView{Common: common, Way: "totp", Ways: []string{"passkey"}})
		}),
		show("challenge-trusted-passkey", func(w http.ResponseWriter) error {
			return r.Challenge(w, 200, pages.ChallengeView{Common: common, Way: "passkey", Remember: time.Hour, Key: "BKey", Device: "d1"})
		}),
		show("challenge-nowhere", func(w http.ResponseWriter) error {
			return r.Challenge(w, 200, pages.ChallengeView{Common: common, Nowhere: true})
		}),
		show("settings-several", func(w http.ResponseWriter) error { return r.Settings(w, 200, several) }),
		show("challenge-mail", func(w http.ResponseWriter) error {
			return r.Challenge(w, 200, pages.ChallengeView{Common: common, Way: "mail", Ways: []string{"totp", "sms"}, To: "a•••@example.com"})
		}),
		show("challenge-sms-sent", func(w http.ResponseWriter) error {
			return r.Challenge(w, 200, pages.ChallengeView{Common: common, Way: "sms", Ways: []string{"mail"}, To: "••• 67", Asked: true})
		}),
		show("setup-mail", func(w http.ResponseWriter) error {
			return pages.SetUpSent(r, w, 200, pages.SetUpSentView{Common: common, Kind: "mail", To: "a•••@example.com", Enrolling: true, Others: []string{"totp", "sms"}})
		}),
		show("setup-sms-address", func(w http.ResponseWriter) error {
			return pages.SetUpSent(r, w, 200, pages.SetUpSentView{Common: common, Kind: "sms", Typed: true, Further: true, Behind: &several})
		}),
		show("setup-mail-none", func(w http.ResponseWriter) error {
			return pages.SetUpSent(r, w, 409, pages.SetUpSentView{Common: common, Kind: "mail", Others: []string{"totp"}})
		}),
		show("add-mail", func(w http.ResponseWriter) error {
			return pages.ConfirmAdd(r, w, 200, pages.ConfirmView{Common: common, NeedCode: true, CanRecover: true, Kind: "mail", Behind: &several})
		}),
		show("add-sms", func(w http.ResponseWriter) error {
			return pages.ConfirmAdd(r, w, 200, pages.ConfirmView{Common: common, NeedCode: true, CanRecover: true, Kind: "sms", Behind: &several})
		}),
		show("confirm-mail", func(w http.ResponseWriter) error {
			v := pages.ConfirmView{Common: common, NeedCode: true, CanRecover: true, NoApp: true, Sends: []pages.SendLine{{Kind: "mail", To: "a•••@example.com"}}, From: "/disable"}
			return r.ConfirmDisable(w, 200, v)
		}),
		show("confirm-mail-sent", func(w http.ResponseWriter) error {
			v := pages.ConfirmView{Common: common, NeedCode: true, CanRecover: true, NoApp: true, Sends: []pages.SendLine{{Kind: "mail", To: "a•••@example.com"}}, From: "/disable", Proof: "mail", To: "a•••@example.com"}
			return r.ConfirmDisable(w, 200, v)
		}),
		show("setup-passkey", func(w http.ResponseWriter) error {
			return pages.SetUpPasskey(r, w, 200, pages.SetUpPasskeyView{Common: common, Enrolling: true, Others: []string{"totp"}})
		}),
		show("setup-passkey-further", func(w http.ResponseWriter) error {
			return pages.SetUpPasskey(r, w, 200, pages.SetUpPasskeyView{Common: common, Further: true, Behind: &several})
		}),
		show("setup-ways", func(w http.ResponseWriter) error {
			return r.SetUp(w, 200, pages.SetUpView{Common: common, URI: URI, Key: Key, Others: []string{"passkey"}})
		}),
		show("confirm-add", func(w http.ResponseWriter) error { return pages.ConfirmAdd(r, w, 200, both) }),
		show("confirm-rename", func(w http.ResponseWriter) error { return pages.ConfirmRename(r, w, 200, both) }),
		show("confirm-remove", func(w http.ResponseWriter) error { return pages.ConfirmRemove(r, w, 200, both) }),
		show("confirm-remove-last", func(w http.ResponseWriter) error { return pages.ConfirmRemove(r, w, 200, alone) }),
		show("desk", func(w http.ResponseWriter) error { return r.Desk(w, 200, desk) }),
		show("desk-none", func(w http.ResponseWriter) error {
			none := desk
			none.Users, none.Next, none.Name = nil, "", "nobody"
			return r.Desk(w, 200, none)
		}),
		show("desk-user", func(w http.ResponseWriter) error { return r.DeskUser(w, 200, helped) }),
		show("desk-code", func(w http.ResponseWriter) error {
			shown := helped
			shown.Status, shown.Code, shown.Expires = pages.DeskReset, "0288-7963-9204-2999-9625", Used
			shown.State, shown.Factors, shown.Owed, shown.CodeUntil, shown.Sessions = "waiting", nil, true, Used, nil
			return r.DeskUser(w, 200, shown)
		}),
		show("desk-code-lost", func(w http.ResponseWriter) error {
			shown := helped
			shown.Status, shown.Code, shown.Expires, shown.CodeUntil = pages.DeskCode, "0288-7963-9204-2999-9625", Used, Used
			return r.DeskUser(w, 200, shown)
		}),
		show("desk-reset", func(w http.ResponseWriter) error {
			return r.DeskAct(w, 200, pages.DeskActView{Common: helped.Common, App: "wiki", Name: "ada", Act: "reset", State: "enrolled"})
		}),
		show("desk-no-reason", func(w http.ResponseWriter) error {
			refused := helped.Common
			refused.Alert = pages.DeskNoReason
			return r.DeskAct(w, 422, pages.DeskActView{Common: refused, App: "wiki", Name: "ada", Act: "code", State: "stopped"})
		}),
		show("desk-hostile", func(w http.ResponseWriter) error {
			odd := helped
			odd.Name, odd.User = hostile.User, hostile.User
			return r.DeskUser(w, 200, odd)
		}),
		show("desk-forbidden", func(w http.ResponseWriter) error {
			return pages.DeskRefused(r, w, 403, pages.Common{Base: "/second-factor", Languages: languages}, pages.ErrorForbidden, pages.DeskForbidden)
		}),
		show("desk-unknown", func(w http.ResponseWriter) error {
			return pages.DeskRefused(r, w, 404, helped.Common, pages.ErrorNotFound, pages.DeskUnknown)
		}),
		show("setup-code-owed", func(w http.ResponseWriter) error {
			return r.SetUpStart(w, 200, pages.SetUpStartView{Common: common, Enrolling: true, NeedCode: true, Reset: true})
		}),
		show("setup-code-wrong", func(w http.ResponseWriter) error {
			wrong := with(func(c *pages.Common) { c.Alert = pages.AlertWrongOperatorCode })
			return r.SetUpStart(w, 422, pages.SetUpStartView{Common: wrong, Enrolling: true, NeedCode: true, Reset: true})
		}),
		show("setup-code-stopped", func(w http.ResponseWriter) error {
			stopped := with(func(c *pages.Common) { c.Alert = pages.AlertStopped })
			return r.SetUpStart(w, 429, pages.SetUpStartView{Common: stopped, Enrolling: true, NeedCode: true, Reset: true})
		}),
		show("challenge-wrong", func(w http.ResponseWriter) error {
			return r.Challenge(w, 422, pages.ChallengeView{Common: with(func(c *pages.Common) { c.Alert = pages.AlertWrongCode })})
		}),
		show("challenge-used", func(w http.ResponseWriter) error {
			return r.Challenge(w, 422, pages.ChallengeView{Common: with(func(c *pages.Common) {
				c.Alert, c.Wait = pages.AlertUsedCode, 12*time.Second
			})})
		}),
		show("challenge-wait", func(w http.ResponseWriter) error {
			return r.Challenge(w, 429, pages.ChallengeView{Common: with(func(c *pages.Common) { c.Wait = 100 * time.Second })})
		}),
		show("challenge-hostile", func(w http.ResponseWriter) error {
			return r.Challenge(w, 200, pages.ChallengeView{Common: hostile})
		}),
		show("challenge-stopped", func(w http.ResponseWriter) error {
			return r.Challenge(w, 429, pages.ChallengeView{Common: with(func(c *pages.Common) { c.Alert = pages.AlertStopped })})
		}),
		show("recovery-stopped", func(w http.ResponseWriter) error {
			return r.Recovery(w, 429, pages.RecoveryView{Common: with(func(c *pages.Common) { c.Alert = pages.AlertStopped })})
		}),
		show("confirm-stopped", func(w http.ResponseWriter) error {
			return r.ConfirmReset(w, 429, pages.ConfirmView{
				Common: with(func(c *pages.Common) { c.Alert = pages.AlertStopped }), NeedCode: true, Behind: &behind,
			})
		}),
		show("error-expired", func(w http.ResponseWriter) error {
			return r.Error(w, 403, pages.ErrorView{
				Common: pages.Common{App: "Example Wiki", Base: "/second-factor", Languages: languages}, Kind: pages.ErrorExpired,
				Link: pages.Link{Href: "/login", Label: pages.LabelSignIn},
			})
		}),
		show("error-unsent", func(w http.ResponseWriter) error {
			return r.Error(w, 403, pages.ErrorView{
				Common: pages.Common{App: "Example Wiki", Base: "/second-factor", Languages: languages}, Kind: pages.ErrorUnsent,
				Link: pages.Link{Href: "/login", Label: pages.LabelSignIn, Apart: true},
			})
		}),
		show("trust", func(w http.ResponseWriter) error {
			return r.Trust(w, 200, pages.TrustView{Common: common, Remember: 30 * 24 * time.Hour})
		}),
		show("trust-hours", func(w http.ResponseWriter) error {
			return r.Trust(w, 200, pages.TrustView{Common: common, Remember: 8 * time.Hour})
		}),
		show("challenge-proof", func(w http.ResponseWriter) error {
			return r.Challenge(w, 200, pages.ChallengeView{Common: common, Remember: 30 * 24 * time.Hour, Key: strings.Repeat("B", 87), Device: strings.Repeat("0", 32)})
		}),
		show("recovery", func(w http.ResponseWriter) error { return r.Recovery(w, 200, pages.RecoveryView{Common: common}) }),
		show("recovery-wrong", func(w http.ResponseWriter) error {
			return r.Recovery(w, 422, pages.RecoveryView{Common: with(func(c *pages.Common) { c.Alert = pages.AlertWrongRecoveryCode })})
		}),
		show("setup-start", func(w http.ResponseWriter) error {
			return r.SetUpStart(w, 200, pages.SetUpStartView{Common: common, Enrolling: true})
		}),
		show("setup-start-free", func(w http.ResponseWriter) error { return r.SetUpStart(w, 200, pages.SetUpStartView{Common: common}) }),
		show("setup-start-later", func(w http.ResponseWriter) error {
			return r.SetUpStart(w, 200, pages.SetUpStartView{Common: common, Enrolling: true, Due: time.Now().Add(50 * time.Hour), Later: true})
		}),
		show("setup-start-over", func(w http.ResponseWriter) error {
			return r.SetUpStart(w, 403, pages.SetUpStartView{Common: with(func(c *pages.Common) { c.Alert = pages.AlertGraceOver }), Enrolling: true, Due: time.Now()})
		}),
		drawn(URI, show("setup", func(w http.ResponseWriter) error {
			return r.SetUp(w, 200, pages.SetUpView{Common: common, URI: URI, Key: Key, Behind: &off})
		})),
		drawn(URI, show("setup-wrong", func(w http.ResponseWriter) error {
			return r.SetUp(w, 422, pages.SetUpView{Common: with(func(c *pages.Common) { c.Alert = pages.AlertWrongNewCode }), URI: URI, Key: Key, Behind: &off})
		})),
		drawn(URI, show("setup-enrolling", func(w http.ResponseWriter) error {
			return r.SetUp(w, 200, pages.SetUpView{Common: common, URI: URI, Key: Key, Enrolling: true})
		})),
		drawn(URI, show("setup-reset", func(w http.ResponseWriter) error {
			return r.SetUp(w, 200, pages.SetUpView{Common: common, URI: URI, Key: "JBSW Y3DP EHPK 3PXP\u00a0JBSW Y3DP EHPK 3PXP", Reset: true, Behind: &behind})
		})),
		drawn(long, show("setup-long", func(w http.ResponseWriter) error {
			return r.SetUp(w, 200, pages.SetUpView{
				Common: common, URI: long, Key: strings.Repeat(Key, 3) + "JBSWY3D", Algorithm: "SHA512", Digits: 8, Period: time.Minute,
			})
		})),
		show("setup-too-long", func(w http.ResponseWriter) error {
			return r.SetUp(w, 200, pages.SetUpView{Common: common, URI: long + strings.Repeat("x", 1200), Key: Key})
		}),
		show("confirm-reset", func(w http.ResponseWriter) error {
			return r.ConfirmReset(w, 200, pages.ConfirmView{Common: common, NeedCode: true, CanRecover: true, Behind: &behind})
		}),
		show("confirm-reset-recovery", func(w http.ResponseWriter) error {
			return r.ConfirmReset(w, 200, pages.ConfirmView{Common: common, NeedCode: true, CanRecover: true, Recovery: true, Behind: &behind})
		}),
		show("confirm-disable", func(w http.ResponseWriter) error {
			return r.ConfirmDisable(w, 422, pages.ConfirmView{Common: with(func(c *pages.Common) { c.Alert = pages.AlertWrongCode }), NeedCode: true, Behind: &behind})
		}),
		show("confirm-recovery-wrong", func(w http.ResponseWriter) error {
			return r.ConfirmReset(w, 422, pages.ConfirmView{Common: with(func(c *pages.Common) { c.Alert = pages.AlertWrongCode }), NeedCode: true, Recovery: true, Behind: &behind})
		}),
		show("confirm-disable-free", func(w http.ResponseWriter) error { return r.ConfirmDisable(w, 200, pages.ConfirmView{Common: common}) }),
		show("confirm-recovery-codes", func(w http.ResponseWriter) error {
			return r.ConfirmRecoveryCodes(w, 200, pages.ConfirmView{Common: common, NeedCode: true, Behind: &behind})
		}),
		show("codes", func(w http.ResponseWriter) error {
			return r.RecoveryCodes(w, 200, pages.RecoveryCodesView{
				Common: with(func(c *pages.Common) { c.Status = pages.NoticeEnabled }), Codes: Codes,
			})
		}),
		show("recovery-used", func(w http.ResponseWriter) error {
			return r.RecoveryUsed(w, 200, pages.RecoveryUsedView{
				Common: with(func(c *pages.Common) { c.Status = pages.NoticeRecoveryUsed }), RecoveryLeft: 2, RecoveryTotal: 10,
			})
		}),
		show("codes-hostile", func(w http.ResponseWriter) error {
			return r.RecoveryCodes(w, 200, pages.RecoveryCodesView{Common: hostile, Codes: Codes})
		}),
		show("settings-hostile", func(w http.ResponseWriter) error {
			v := settings
			v.Common = hostile
			return r.Settings(w, 200, v)
		}),
		show("setup-hostile", func(w http.ResponseWriter) error {
			return r.SetUp(w, 200, pages.SetUpView{Common: hostile, URI: URI, Key: Key, Enrolling: true})
		}),
		show("settings-off", func(w http.ResponseWriter) error {
			return r.Settings(w, 200, pages.SettingsView{Common: with(func(c *pages.Common) { c.Status = pages.NoticeDisabled })})
		}),
		show("settings-due", func(w http.ResponseWriter) error {
			return r.Settings(w, 200, pages.SettingsView{Common: common, Required: true, Due: Used})
		}),
		show("settings-must", func(w http.ResponseWriter) error {
			return r.Settings(w, 200, pages.SettingsView{Common: common, Required: true})
		}),
		show("settings-on", func(w http.ResponseWriter) error {
			v := settings
			v.Status = pages.NoticeEnabled
			return r.Settings(w, 200, v)
		}),
		show("settings-few", func(w http.ResponseWriter) error {
			v := settings
			v.RecoveryLeft, v.Required, v.Factors, v.Unsaved = 2, true, nil, true
			v.Used = time.Time{}
			return r.Settings(w, 200, v)
		}),
		show("settings-full", func(w http.ResponseWriter) error { return r.Settings(w, 200, full) }),
		drawn(URI, show("setup-over-full", func(w http.ResponseWriter) error {
			return r.SetUp(w, 200, pages.SetUpView{Common: common, URI: URI, Key: Key, Reset: true, Behind: &full})
		})),
		show("settings-untrusted", func(w http.ResponseWriter) error {
			v := settings
			v.Trusted, v.Sessions, v.Activity = nil, v.Sessions[:1], nil
			return r.Settings(w, 200, v)
		}),
		show("settings-none", func(w http.ResponseWriter) error {
			v := settings
			v.RecoveryLeft, v.Since, v.Alert = 0, time.Time{}, pages.AlertStale
			return r.Settings(w, 200, v)
		}),
		show("error-unavailable", func(w http.ResponseWriter) error {
			return r.Error(w, 503, pages.ErrorView{
				Common: common, Kind: pages.ErrorUnavailable, RetryAfter: 4500 * time.Millisecond,
				Link: pages.Link{Href: "/second-factor/challenge", Label: pages.LabelRetry},
			})
		}),
		show("error-own", func(w http.ResponseWriter) error {
			return r.Error(w, 400, pages.ErrorView{
				Common: pages.Common{App: "Example Wiki", Base: "/second-factor", Languages: languages}, Title: "No <name>", Happened: "The field \"username\" is missing.", Advice: "Type it & try again.",
				Link: pages.Link{Href: "/login", Label: "To the login page"},
			})
		}),
		show("signed-out", func(w http.ResponseWriter) error {
			return r.SignedOut(w, 200, pages.SignedOutView{Common: pages.Common{App: "Example Wiki", Base: "/second-factor", Languages: languages}, Login: "/login"})
		}),
	}, append(exposed(r, common, hostile, settings), sent(r, common)...)...)
}

// Logo is a picture of its own colours for light and dark, wider than high.
const Logo = `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 64">
<style>rect { fill: #7a1f6b } circle { fill: #fff } @media (prefers-color-scheme: dark) { rect { fill: #f0a6e4 } circle { fill: #1c2126 } }</style>
<rect width="96" height="64" rx="12"/><circle cx="32" cy="32" r="16"/><circle cx="68" cy="32" r="10"/>
</svg>`
