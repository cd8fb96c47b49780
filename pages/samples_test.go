package pages

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// The values that the samples show; tests look for them.
const (
	sampleKey   = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	sampleURI   = "otpauth://totp/Example%20Wiki:ada?secret=" + sampleKey + "&issuer=Example%20Wiki&algorithm=SHA1&digits=6&period=30"
	sampleToken = "Zm9ybS10b2tlbi1mb3ItdGVzdHM"
)

var (
	sampleSince = time.Date(2026, time.March, 9, 8, 5, 0, 0, time.FixedZone("CET", 3600))
	sampleUsed  = time.Date(2026, time.November, 24, 17, 41, 12, 0, time.UTC)
	sampleCodes = []string{
		"k7mq-2xdf-9hwp-t4zc", "b3nv-8rgy-5jqk-w6fd", "x9tc-4mhp-2zvr-g7kn", "d5wq-7bjf-3yxm-p8rh", "h2gz-6kct-9nqv-j4ws",
		"p8fy-3vrd-5xkb-m7tq", "w4jn-9zhc-2gqf-r6yx", "t6bk-5mpw-8dvz-c3hj", "r3xq-7tgn-4wfy-k9cb", "z5hd-2jvm-6pkr-q8nt",
	}
)

// sample is one page as a user may meet it.
type sample struct {
	name string
	// qr is what the page's QR code holds.
	qr   string
	show func(w http.ResponseWriter) error
}

// samples are all pages in all their kinds, in English.
func samples(r *Renderer) []sample { return samplesIn(r, "") }

// samplesIn are all pages in all their kinds, for a browser that says this in Accept-Language.
func samplesIn(r *Renderer, languages string) []sample {
	common := Common{App: "Example Wiki", Base: "/second-factor", User: "ada", Form: sampleToken, Languages: languages}
	with := func(change func(*Common)) Common {
		c := common
		change(&c)
		return c
	}
	hostile := with(func(c *Common) {
		c.User = `<script>alert(1)</script>{{.}}"'` + "\u202e\u05d0evil\u2066" + strings.Repeat("x", 300)
		c.App = strings.Repeat("Application", 30)
	})
	settings := SettingsView{Common: common, Enrolled: true, Since: sampleSince, Used: sampleUsed, RecoveryLeft: 8, RecoveryTotal: 10, Home: "/wiki"}
	settings.Remember = true
	settings.Trusted = []TrustedLine{
		{ID: "a1", Browser: "Firefox, Linux", Used: sampleUsed, Until: sampleSince.AddDate(1, 0, 0)},
		{ID: "a2", Browser: "Mobile Safari, iOS", Used: sampleSince, Until: sampleSince.AddDate(1, 0, 0)},
	}
	settings.Sessions = []SessionLine{
		{ID: "b1", Browser: "Firefox, Linux", Address: "192.0.2.7", Current: true, Seen: sampleUsed},
		{ID: "b2", Browser: "Chrome, Windows", Address: "2001:db8:85a3:8d3:1319:8a2e:370:7348", Waiting: true, Seen: sampleUsed},
		{ID: "b3", Seen: sampleUsed},
	}
	for i, kind := range []string{
		"sign-in-totp", "failure", "failure", "sign-in-recovery", "sign-in-trusted", "misused", "forgotten", "codes", "reset", "enabled", "unheard-of",
	} {
		settings.Activity = append(settings.Activity, ActivityLine{
			Kind: kind, At: sampleUsed.Add(-time.Duration(i) * time.Hour), Browser: "Firefox, Linux", Address: "192.0.2.7", Count: i,
		})
	}
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
	off := SettingsView{Common: common}
	long := "otpauth://totp/Example%20Wiki:" + strings.Repeat("%F0%9F%94%91", 30) + "?secret=" + sampleKey + "&issuer=Example%20Wiki"
	show := func(name string, render func(w http.ResponseWriter) error) sample {
		return sample{name: name, show: render}
	}
	drawn := func(uri string, s sample) sample { s.qr = uri; return s }
	return []sample{
		show("challenge", func(w http.ResponseWriter) error { return r.Challenge(w, 200, ChallengeView{Common: common}) }),
		show("challenge-wrong", func(w http.ResponseWriter) error {
			return r.Challenge(w, 422, ChallengeView{Common: with(func(c *Common) { c.Alert = AlertWrongCode })})
		}),
		show("challenge-wait", func(w http.ResponseWriter) error {
			return r.Challenge(w, 429, ChallengeView{Common: with(func(c *Common) { c.Wait = 100 * time.Second })})
		}),
		show("challenge-hostile", func(w http.ResponseWriter) error {
			return r.Challenge(w, 200, ChallengeView{Common: hostile})
		}),
		show("challenge-stopped", func(w http.ResponseWriter) error {
			return r.Challenge(w, 429, ChallengeView{Common: with(func(c *Common) { c.Alert = AlertStopped })})
		}),
		show("challenge-trust", func(w http.ResponseWriter) error {
			return r.Challenge(w, 422, ChallengeView{
				Common: with(func(c *Common) { c.Alert = AlertWrongCode }), Remember: 30 * 24 * time.Hour, Trust: true,
			})
		}),
		show("challenge-trust-hours", func(w http.ResponseWriter) error {
			return r.Challenge(w, 200, ChallengeView{Common: common, Remember: 8 * time.Hour})
		}),
		show("challenge-proof", func(w http.ResponseWriter) error {
			return r.Challenge(w, 200, ChallengeView{Common: common, Remember: 30 * 24 * time.Hour, Key: strings.Repeat("B", 87), Device: strings.Repeat("0", 32)})
		}),
		show("recovery", func(w http.ResponseWriter) error { return r.Recovery(w, 200, RecoveryView{Common: common}) }),
		show("recovery-wrong", func(w http.ResponseWriter) error {
			return r.Recovery(w, 422, RecoveryView{Common: with(func(c *Common) { c.Alert = AlertWrongRecoveryCode })})
		}),
		show("setup-start", func(w http.ResponseWriter) error {
			return r.SetUpStart(w, 200, SetUpStartView{Common: common, Enrolling: true})
		}),
		show("setup-start-free", func(w http.ResponseWriter) error { return r.SetUpStart(w, 200, SetUpStartView{Common: common}) }),
		show("setup-start-later", func(w http.ResponseWriter) error {
			return r.SetUpStart(w, 200, SetUpStartView{Common: common, Enrolling: true, Due: r.now().Add(50 * time.Hour), Later: true})
		}),
		show("setup-start-over", func(w http.ResponseWriter) error {
			return r.SetUpStart(w, 403, SetUpStartView{Common: with(func(c *Common) { c.Alert = AlertGraceOver }), Enrolling: true, Due: r.now()})
		}),
		drawn(sampleURI, show("setup", func(w http.ResponseWriter) error {
			return r.SetUp(w, 200, SetUpView{Common: common, URI: sampleURI, Key: sampleKey, Behind: &off})
		})),
		drawn(sampleURI, show("setup-wrong", func(w http.ResponseWriter) error {
			return r.SetUp(w, 422, SetUpView{Common: with(func(c *Common) { c.Alert = AlertWrongNewCode }), URI: sampleURI, Key: sampleKey, Behind: &off})
		})),
		drawn(sampleURI, show("setup-enrolling", func(w http.ResponseWriter) error {
			return r.SetUp(w, 200, SetUpView{Common: common, URI: sampleURI, Key: sampleKey, Enrolling: true})
		})),
		drawn(sampleURI, show("setup-reset", func(w http.ResponseWriter) error {
			return r.SetUp(w, 200, SetUpView{Common: common, URI: sampleURI, Key: "JBSW Y3DP EHPK 3PXP\u00a0JBSW Y3DP EHPK 3PXP", Reset: true, Behind: &behind})
		})),
		drawn(long, show("setup-long", func(w http.ResponseWriter) error {
			return r.SetUp(w, 200, SetUpView{
				Common: common, URI: long, Key: strings.Repeat(sampleKey, 3) + "JBSWY3D", Algorithm: "SHA512", Digits: 8, Period: time.Minute,
			})
		})),
		show("setup-too-long", func(w http.ResponseWriter) error {
			return r.SetUp(w, 200, SetUpView{Common: common, URI: long + strings.Repeat("x", qrLimit), Key: sampleKey})
		}),
		show("confirm-reset", func(w http.ResponseWriter) error {
			return r.ConfirmReset(w, 200, ConfirmView{Common: common, NeedCode: true, CanRecover: true, Behind: &behind})
		}),
		show("confirm-reset-recovery", func(w http.ResponseWriter) error {
			return r.ConfirmReset(w, 200, ConfirmView{Common: common, NeedCode: true, CanRecover: true, Recovery: true, Behind: &behind})
		}),
		show("confirm-disable", func(w http.ResponseWriter) error {
			return r.ConfirmDisable(w, 422, ConfirmView{Common: with(func(c *Common) { c.Alert = AlertWrongCode }), NeedCode: true, Behind: &behind})
		}),
		show("confirm-recovery-wrong", func(w http.ResponseWriter) error {
			return r.ConfirmReset(w, 422, ConfirmView{Common: with(func(c *Common) { c.Alert = AlertWrongCode }), NeedCode: true, Recovery: true, Behind: &behind})
		}),
		show("confirm-disable-free", func(w http.ResponseWriter) error { return r.ConfirmDisable(w, 200, ConfirmView{Common: common}) }),
		show("confirm-recovery-codes", func(w http.ResponseWriter) error {
			return r.ConfirmRecoveryCodes(w, 200, ConfirmView{Common: common, NeedCode: true, Behind: &behind})
		}),
		show("codes", func(w http.ResponseWriter) error {
			return r.RecoveryCodes(w, 200, RecoveryCodesView{
				Common: with(func(c *Common) { c.Status = NoticeEnabled }), Codes: sampleCodes, Continue: "/wiki/Main_Page?a=1&b=2",
			})
		}),
		show("codes-hostile", func(w http.ResponseWriter) error {
			return r.RecoveryCodes(w, 200, RecoveryCodesView{Common: hostile, Codes: sampleCodes})
		}),
		show("settings-hostile", func(w http.ResponseWriter) error {
			v := settings
			v.Common = hostile
			return r.Settings(w, 200, v)
		}),
		show("setup-hostile", func(w http.ResponseWriter) error {
			return r.SetUp(w, 200, SetUpView{Common: hostile, URI: sampleURI, Key: sampleKey, Enrolling: true})
		}),
		show("settings-off", func(w http.ResponseWriter) error {
			return r.Settings(w, 200, SettingsView{Common: with(func(c *Common) { c.Status = NoticeDisabled })})
		}),
		show("settings-due", func(w http.ResponseWriter) error {
			return r.Settings(w, 200, SettingsView{Common: common, Required: true, Due: sampleUsed})
		}),
		show("settings-must", func(w http.ResponseWriter) error {
			return r.Settings(w, 200, SettingsView{Common: common, Required: true})
		}),
		show("settings-on", func(w http.ResponseWriter) error {
			v := settings
			v.Status = NoticeEnabled
			return r.Settings(w, 200, v)
		}),
		show("settings-few", func(w http.ResponseWriter) error {
			v := settings
			v.RecoveryLeft, v.Required, v.Used = 2, true, time.Time{}
			return r.Settings(w, 200, v)
		}),
		show("settings-full", func(w http.ResponseWriter) error { return r.Settings(w, 200, full) }),
		drawn(sampleURI, show("setup-over-full", func(w http.ResponseWriter) error {
			return r.SetUp(w, 200, SetUpView{Common: common, URI: sampleURI, Key: sampleKey, Reset: true, Behind: &full})
		})),
		show("settings-untrusted", func(w http.ResponseWriter) error {
			v := settings
			v.Trusted, v.Sessions, v.Activity = nil, v.Sessions[:1], nil
			return r.Settings(w, 200, v)
		}),
		show("settings-none", func(w http.ResponseWriter) error {
			v := settings
			v.RecoveryLeft, v.Since, v.Alert = 0, time.Time{}, AlertStale
			return r.Settings(w, 200, v)
		}),
		show("error-unavailable", func(w http.ResponseWriter) error {
			return r.Error(w, 503, ErrorView{
				Common: common, Kind: ErrorUnavailable, RetryAfter: 4500 * time.Millisecond,
				Link: Link{Href: "/second-factor/challenge", Label: LabelRetry},
			})
		}),
		show("error-own", func(w http.ResponseWriter) error {
			return r.Error(w, 400, ErrorView{
				Common: Common{App: "Example Wiki", Base: "/second-factor", Languages: languages}, Title: "No <name>", Happened: "The field \"username\" is missing.", Advice: "Type it & try again.",
				Link: Link{Href: "/login", Label: "To the login page"},
			})
		}),
		show("signed-out", func(w http.ResponseWriter) error {
			return r.SignedOut(w, 200, SignedOutView{Common: Common{App: "Example Wiki", Base: "/second-factor", Languages: languages}, Login: "/login"})
		}),
	}
}

// answer renders a sample.
func answer(t *testing.T, s sample) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	if err := s.show(w); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	return w
}

// named renders the sample of this name and parses it.
func named(t *testing.T, name string) *html.Node {
	t.Helper()
	for _, s := range samples(New(Options{})) {
		if s.name == name {
			return parse(t, answer(t, s).Body.String())
		}
	}
	t.Fatalf("no sample %q", name)
	return nil
}

func parse(t *testing.T, page string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// all are the elements of a tag ("" for any) that have the attribute with this value ("" attribute: all).
func all(root *html.Node, tag, attribute, value string) []*html.Node {
	var found []*html.Node
	for node := range root.Descendants() {
		if node.Type != html.ElementNode || tag != "" && node.Data != tag {
			continue
		}
		if attribute != "" && (!has(node, attribute) || attr(node, attribute) != value) {
			continue
		}
		found = append(found, node)
	}
	return found
}

// one is the only such element.
func one(t *testing.T, root *html.Node, tag, attribute, value string) *html.Node {
	t.Helper()
	found := all(root, tag, attribute, value)
	if len(found) != 1 {
		t.Fatalf("%d elements <%s %s=%q>, want one", len(found), tag, attribute, value)
	}
	return found[0]
}

func has(node *html.Node, name string) bool {
	for _, a := range node.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func attr(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// words is the text in a node, its white space folded.
func words(node *html.Node) string { return wordsOf(node) }
