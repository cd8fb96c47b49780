package pages

import (
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// TestForms holds every form of every page against design 5.2: posted, with the session's token, to an address of the
// design. A form without a token may only lead to a confirmation.
func TestForms(t *testing.T) {
	posts := map[string]bool{
		"/challenge": true, "/recovery": true, "/setup": true, "/setup/confirm": true, "/reset": true, "/disable": true,
		"/recovery-codes": true, "/logout": true,
	}
	asks := map[string]bool{"/reset": true, "/disable": true, "/recovery-codes": true}
	for _, s := range samples(New(Options{})) {
		for _, form := range all(parse(t, answer(t, s).Body.String()), "form", "", "") {
			path, below := strings.CutPrefix(attr(form, "action"), "/second-factor")
			tokens := all(form, "input", "name", "csrf_token")
			switch {
			case !below:
				t.Errorf("%s: a form leads to %q", s.name, attr(form, "action"))
			case attr(form, "method") == "get":
				if !asks[path] || len(all(form, "input", "", "")) > 0 {
					t.Errorf("%s: a form gets %s with fields", s.name, path)
				}
			case attr(form, "method") != "post" || !posts[path]:
				t.Errorf("%s: a form %ss to %s", s.name, attr(form, "method"), path)
			case len(tokens) != 1 || attr(tokens[0], "type") != "hidden" || attr(tokens[0], "value") != sampleToken:
				t.Errorf("%s: the form to %s has no token", s.name, path)
			}
			for _, button := range all(form, "button", "", "") {
				if attr(button, "type") != "" && attr(button, "type") != "submit" || has(button, "disabled") {
					t.Errorf("%s: a button of the form to %s does nothing without scripts", s.name, path)
				}
			}
		}
	}
}

// TestLabels holds the buttons against design 5.1, letter by letter, and where they lead.
func TestLabels(t *testing.T) {
	tests := []struct{ page, label, method, action string }{
		{"settings-off", "Set up Two-Factor Authentication", "post", "/second-factor/setup"},
		{"setup-start", "Set up Two-Factor Authentication", "post", "/second-factor/setup"},
		{"setup", "Confirm", "post", "/second-factor/setup/confirm"},
		{"setup-reset", "Confirm", "post", "/second-factor/setup/confirm"},
		{"settings-on", "Reset Token", "get", "/second-factor/reset"},
		{"confirm-reset", "Reset", "post", "/second-factor/reset"},
		{"settings-on", "Disable Two-Factor Authentication", "get", "/second-factor/disable"},
		{"confirm-disable", "Disable", "post", "/second-factor/disable"},
		{"settings-on", "New Recovery Codes", "get", "/second-factor/recovery-codes"},
		{"confirm-recovery-codes", "Get New Recovery Codes", "post", "/second-factor/recovery-codes"},
		{"settings-on", "Sign out", "post", "/second-factor/logout"},
		{"challenge", "Verify", "post", "/second-factor/challenge"},
		{"challenge", "Sign in as someone else", "post", "/second-factor/logout"},
		{"recovery", "Verify", "post", "/second-factor/recovery"},
	}
	for _, test := range tests {
		t.Run(test.page+" "+test.label, func(t *testing.T) {
			var buttons []*html.Node
			for _, button := range all(named(t, test.page), "button", "", "") {
				if words(button) == test.label {
					buttons = append(buttons, button)
				}
			}
			if len(buttons) != 1 {
				t.Fatalf("%d buttons", len(buttons))
			}
			form := buttons[0].Parent
			for form.Data != "form" {
				form = form.Parent
			}
			if attr(form, "method") != test.method || attr(form, "action") != test.action {
				t.Errorf("leads to %s %s", attr(form, "method"), attr(form, "action"))
			}
		})
	}
}

// TestCodeField holds the code fields against design 5.2. Only where letters must be typed, the keyboard has them.
func TestCodeField(t *testing.T) {
	for page, want := range map[string]string{
		"challenge": "one-time-code numeric", "setup": "one-time-code numeric", "confirm-reset": "one-time-code numeric",
		"confirm-disable": "one-time-code numeric", "confirm-recovery-codes": "one-time-code numeric",
		"recovery": "off text", "confirm-reset-recovery": "off text",
	} {
		root := named(t, page)
		code := one(t, root, "input", "name", "code")
		if got := attr(code, "autocomplete") + " " + attr(code, "inputmode"); got != want {
			t.Errorf("%s: %s, want %s", page, got, want)
		}
		one(t, root, "label", "for", attr(code, "id"))
	}
	if found := all(named(t, "confirm-disable-free"), "input", "name", "code"); len(found) > 0 {
		t.Error("a code is asked for without need")
	}
	if got := words(one(t, named(t, "setup-long"), "p", "id", "hint")); !strings.Contains(got, "8 digits") {
		t.Errorf("the hint for codes of eight digits: %q", got)
	}
}

// TestSetUpHooks finds the secret everywhere the design says, unbroken so that it can be copied.
func TestSetUpHooks(t *testing.T) {
	for _, page := range []string{"setup", "setup-reset"} {
		root := named(t, page)
		if got := attr(one(t, root, "a", "id", "otpauth"), "href"); got != sampleURI {
			t.Errorf("%s: otpauth %q", page, got)
		}
		if got := one(t, root, "code", "id", "secret").FirstChild.Data; got != sampleKey {
			t.Errorf("%s: secret %q", page, got)
		}
		picture := one(t, root, "svg", "id", "qr")
		if attr(picture, "role") != "img" || words(one(t, picture, "title", "", "")) == "" {
			t.Errorf("%s: the QR code has no name for those who do not see it", page)
		}
	}
	root := named(t, "setup-too-long")
	if len(all(root, "svg", "", "")) > 0 {
		t.Error("a QR code is drawn that no telephone reads")
	}
	one(t, root, "code", "id", "secret")
	one(t, root, "a", "id", "otpauth")
}

// TestRecoveryCodes: each code stands alone in its item, and the way on is a link.
func TestRecoveryCodes(t *testing.T) {
	root := named(t, "codes")
	var got []string
	for _, item := range all(one(t, root, "ol", "id", "recovery-codes"), "li", "", "") {
		got = append(got, words(item))
	}
	if strings.Join(got, " ") != strings.Join(sampleCodes, " ") {
		t.Errorf("codes %q", got)
	}
	if link := one(t, root, "a", "class", "main"); attr(link, "href") != "/wiki/Main_Page?a=1&b=2" || words(link) != "I have saved them" {
		t.Errorf("continue leads to %q", attr(link, "href"))
	}
}

// TestMessages: what went well is a status, what did not is an alert that the field names as its description.
func TestMessages(t *testing.T) {
	for _, page := range []string{"codes", "settings-on"} {
		if got := words(one(t, named(t, page), "", "role", "status")); got != "Two-factor authentication is enabled" {
			t.Errorf("%s: %q", page, got)
		}
	}
	root := named(t, "challenge-wrong")
	alert := one(t, root, "", "role", "alert")
	code := one(t, root, "input", "name", "code")
	if words(alert) == "" || !strings.Contains(attr(code, "aria-describedby"), attr(alert, "id")) || attr(code, "aria-invalid") != "true" {
		t.Error("the wrong code is not tied to its alert")
	}
	if got := words(one(t, root, "title", "", "")); !strings.HasPrefix(got, "Error: ") {
		t.Errorf("title %q", got)
	}
	root = named(t, "challenge-wait")
	if got := words(one(t, root, "", "role", "alert")); !strings.HasPrefix(got, "Too many wrong codes. Try again in 2 minutes. The next attempt is possible at ") {
		t.Errorf("throttled: %q", got)
	}
	if has(one(t, root, "input", "name", "code"), "aria-invalid") {
		t.Error("a code that was not judged is called invalid")
	}
	for _, page := range []string{"challenge", "settings-must", "error-unavailable"} {
		if found := all(named(t, page), "", "role", "status"); len(found) > 0 {
			t.Errorf("%s: a status without a message", page)
		}
	}
}

// TestSettings holds the settings page against design 5.
func TestSettings(t *testing.T) {
	root := named(t, "settings-on")
	if got := words(one(t, root, "h1", "", "")); got != "Personal Settings" {
		t.Errorf("heading %q", got)
	}
	if got := words(one(t, root, "", "role", "tab")); got != "Two-Factor Authentication" {
		t.Errorf("tab %q", got)
	}
	times := all(root, "time", "", "")
	if len(times) != 2 || attr(times[0], "datetime") != "2026-03-09T07:05:00Z" || words(times[0]) != "9 Mar 2026, 07:05 UTC" ||
		attr(times[1], "datetime") != "2026-11-24T17:41:12Z" {
		t.Error("the times are wrong")
	}
	for page, parts := range map[string][]string{
		"settings-on":   {"8 of 10 left", "Two-factor authentication is on", "Since 9 Mar 2026", "Back to Example Wiki"},
		"settings-few":  {"2 of 10 left", "Not yet", "cannot be disabled"},
		"settings-none": {"0 of 10 left", "None left."},
		"settings-off":  {"Two-factor authentication is off"},
		"settings-due":  {"before 24 Nov 2026, 17:41 UTC"},
		"settings-must": {"required here"},
	} {
		text := words(named(t, page))
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s does not say %q", page, part)
			}
		}
	}
	if strings.Contains(words(named(t, "settings-few")), "Disable Two-Factor") {
		t.Error("what is required can be disabled")
	}
}

// TestForced: who must set up is told why, and has a way out of the session but none around it.
func TestForced(t *testing.T) {
	for _, page := range []string{"setup-start", "setup-enrolling"} {
		root := named(t, page)
		if text := words(root); !strings.Contains(text, "Example Wiki requires two-factor authentication") || strings.Contains(text, "Cancel") {
			t.Errorf("%s: %s", page, text)
		}
		one(t, root, "form", "action", "/second-factor/logout")
	}
}

// TestError: an error says what happened, what to do and how long to wait.
func TestError(t *testing.T) {
	root := named(t, "error-unavailable")
	if got := words(one(t, root, "", "role", "alert")); !strings.Contains(got, "Nothing was lost") {
		t.Errorf("alert %q", got)
	}
	if text := words(root); !strings.Contains(text, "Try again in 5 seconds.") {
		t.Error("the wait is not told")
	}
	root = named(t, "error-own")
	if words(one(t, root, "h1", "", "")) != "No <name>" || !strings.Contains(words(root), "Type it & try again.") {
		t.Error("the caller's words are not shown")
	}
	if link := one(t, root, "a", "class", "main"); attr(link, "href") != "/login" || words(link) != "To the login page" {
		t.Error("the link is wrong")
	}
	w := httptest.NewRecorder()
	if err := New(Options{}).Error(w, 418, ErrorView{Kind: "unheard-of", Common: Common{Alert: "leftover", Form: "token"}}); err != nil {
		t.Fatal(err)
	}
	if w.Code != 418 || !strings.Contains(w.Body.String(), "Something went wrong") || strings.Contains(w.Body.String(), "leftover") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
