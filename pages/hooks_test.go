package pages

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// TestForms holds every form of every page against contract 5.2: posted, with the session's token, to an address of
// contract 5. A form without a token may only lead to a confirmation.
func TestForms(t *testing.T) {
	posts := map[string]bool{
		"/challenge": true, "/recovery": true, "/setup": true, "/setup/confirm": true, "/challenge/send": true, "/reset": true, "/disable": true,
		"/recovery-codes": true, "/logout": true, "/later": true, "/browsers": true, "/sessions": true, "/trust": true, "/recovery-codes/saved": true, "/recovery-used": true, "/exposed": true, "/add": true, "/factors/f2/rename": true, "/factors/f2/remove": true,
		"/code": true, "/unlock": true, "/sign-out": true, // the help desk's
	}
	asks := map[string]bool{
		"/reset": true, "/disable": true, "/recovery-codes": true, "/add": true, "/factors/f2/rename": true, "/factors/f3/rename": true, "/factors/f4/rename": true,
	}
	for _, s := range samples(New(Options{})) {
		for _, form := range all(parse(t, answer(t, s).Body.String()), "form", "", "") {
			path, below := strings.CutPrefix(attr(form, "action"), "/second-factor")
			tokens := all(form, "input", "name", "csrf_token")
			switch {
			case !below:
				t.Errorf("%s: a form leads to %q", s.name, attr(form, "action"))
			case attr(form, "role") == "search":
				if path != "/" || len(tokens) > 0 {
					t.Errorf("%s: the search asks %s, with a token in its address", s.name, path)
				}
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

// TestLabels holds the buttons against contract 5.1, letter by letter, and where they lead.
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
		{"settings-off", "Sign out", "post", "/second-factor/logout"},
		{"challenge", "Verify", "post", "/second-factor/challenge"},
		{"challenge", "Not you?", "post", "/second-factor/logout"},
		{"trust", "Yes, trust it", "post", "/second-factor/trust"},
		{"trust", "No", "post", "/second-factor/trust"},
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

// TestCodeField holds the code fields against contract 5.2. Only where letters must be typed, the keyboard has them.
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

// TestSetUpHooks finds the secret everywhere contract 5.2 says, unbroken so that it can be copied.
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
	form := one(t, root, "form", "action", "/second-factor/recovery-codes/saved")
	if words(one(t, form, "button", "class", "main")) != "I have saved them" || !has(one(t, form, "input", "type", "checkbox"), "required") {
		t.Error("the way on asks for nothing")
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

// TestSettings holds the settings page against contract 5.
func TestSettings(t *testing.T) {
	root := named(t, "settings-on")
	if got := words(one(t, root, "h1", "", "")); got != "Personal Settings" {
		t.Errorf("heading %q", got)
	}
	if got := words(one(t, root, "", "role", "tab")); got != "Two-Factor Authentication" {
		t.Errorf("tab %q", got)
	}
	times := all(root, "time", "", "")
	if len(times) < 2 || attr(times[0], "datetime") != "2026-03-09T07:05:00Z" || words(times[0]) != "9 Mar 2026, 07:05 UTC" ||
		attr(times[1], "datetime") != "2026-11-24T17:41:12Z" {
		t.Error("the times are wrong")
	}
	for page, parts := range map[string][]string{
		"settings-on":   {"8 of 10 left", "Two-factor authentication is on", "Since 9 Mar 2026", "Back to Example Wiki"},
		"settings-few":  {"2 of 10 left", "Not used yet", "cannot be disabled"},
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

// TestDialogs: a dialog is one element with a name, with the settings page beside it, in which the button that it
// belongs to is; its Cancel leads to that button without scripts, too. Where there is nothing to go back to there is no
// Cancel.
func TestDialogs(t *testing.T) {
	for page, opener := range map[string]string{
		"setup": "open-setup", "setup-wrong": "open-setup", "setup-reset": "open-reset", "confirm-reset": "open-reset",
		"confirm-reset-recovery": "open-reset", "confirm-disable": "open-disable", "confirm-recovery-codes": "open-codes",
	} {
		root := named(t, page)
		dialog := one(t, root, "dialog", "", "")
		if !has(dialog, "open") || attr(dialog, "role") != "dialog" || words(one(t, dialog, "", "id", attr(dialog, "aria-labelledby"))) == "" {
			t.Errorf("%s: the dialog is closed, or has no name", page)
		}
		behind := one(t, root, "template", "id", "behind")
		if attr(behind, "data-opener") != opener || attr(behind, "data-home") != "/second-factor/" || attr(behind, "data-name") != "Personal Settings – Example Wiki" {
			t.Errorf("%s goes back to %s %q", page, attr(behind, "data-opener"), attr(behind, "data-name"))
		}
		one(t, behind, "button", "id", opener)
		if found := all(behind, "", "role", "alert"); len(found) > 0 {
			t.Errorf("%s: the dialog's alert is behind it, too", page)
		}
		if cancel := words(one(t, dialog, "a", "href", "/second-factor/#"+opener)); cancel != "Cancel" {
			t.Errorf("%s: the way back is %q", page, cancel)
		}
		// One element has the focus when the page opens: the field, or the heading that says what this is.
		if focused := all(root, "", "autofocus", ""); len(focused) != 1 || focused[0].Data != "input" && focused[0].Data != "h1" {
			t.Errorf("%s: %d elements have the focus", page, len(focused))
		}
	}
	// The message is the dialog's, even where the caller has put it into both.
	w := httptest.NewRecorder()
	common := Common{Alert: AlertWrongCode, Status: NoticeEnabled, Wait: time.Minute}
	if err := New(Options{}).ConfirmReset(w, 422, ConfirmView{Common: common, Behind: &SettingsView{Common: common}}); err != nil {
		t.Fatal(err)
	}
	if found := slices.Concat(all(one(t, parse(t, w.Body.String()), "template", "", ""), "", "role", "alert"), all(one(t, parse(t, w.Body.String()), "template", "", ""), "", "role", "status")); len(found) > 0 {
		t.Error("the dialog's message is behind it, too")
	}
	if found := all(named(t, "setup-enrolling"), "template", "", ""); len(found) > 0 {
		t.Error("a set-up that is owed has the settings page behind it")
	}
}

// TestP9_ShownOnce: what is shown once is marked, so that the script wipes it when the page is left.
func TestP9_ShownOnce(t *testing.T) {
	for page, ids := range map[string][]string{"setup": {"qr", "otpauth", "secret"}, "setup-too-long": {"otpauth", "secret"}, "codes": {"recovery-codes"}} {
		for _, id := range ids {
			element := one(t, named(t, page), "", "id", id)
			for element != nil && !has(element, "data-once") {
				element = element.Parent
			}
			if element == nil {
				t.Errorf("%s: #%s stays", page, id)
			}
		}
	}
}

// TestWait: a wait is told in words and, where it is long, as a time; the script counts the seconds down.
func TestWaitIsShown(t *testing.T) {
	now := time.Date(2026, 3, 9, 7, 5, 30, 0, time.UTC)
	r := New(Options{Now: func() time.Time { return now }})
	for _, test := range []struct {
		wait          time.Duration
		seconds, want string
	}{
		{5 * time.Second, "5", "Too many wrong codes. Try again in 5 seconds."},
		{100 * time.Second, "100", "Too many wrong codes. Try again in 2 minutes. The next attempt is possible at 07:08 UTC."},
		{25 * time.Hour, "90000", "Too many wrong codes. Try again in 25 hours."},
	} {
		w := httptest.NewRecorder()
		if err := r.Challenge(w, 429, ChallengeView{Common: Common{Wait: test.wait}}); err != nil {
			t.Fatal(err)
		}
		root := parse(t, w.Body.String())
		if got := words(one(t, root, "", "role", "alert")); got != test.want {
			t.Errorf("%v: %q", test.wait, got)
		}
		countdown := one(t, root, "p", "class", "countdown")
		if attr(countdown, "data-seconds") != test.seconds || !has(countdown, "hidden") || attr(countdown, "data-over") != "You can try again now." {
			t.Errorf("%v: the countdown starts at %s", test.wait, attr(countdown, "data-seconds"))
		}
	}
}

// TestHint: after a wrong code of the app the alert says what is most often the matter, and not after a recovery code.
func TestHint(t *testing.T) {
	const hint = "Codes change every 30 seconds; check the time on your phone."
	for page, want := range map[string]bool{
		"challenge-wrong": true, "setup-wrong": true, "confirm-disable": true, "recovery-wrong": false, "confirm-recovery-wrong": false, "challenge-stopped": false, "challenge-wait": false,
	} {
		if got := strings.Contains(words(one(t, named(t, page), "", "role", "alert")), hint); got != want {
			t.Errorf("%s has the hint: %v", page, got)
		}
	}
}

// TestFileName: the name of the file with the recovery codes is one that every system takes, whatever the app is
// called.
func TestFileName(t *testing.T) {
	for app, want := range map[string]string{
		"Example Wiki": "recovery-codes-example-wiki.txt", "": "recovery-codes.txt", "../../etc/passwd": "recovery-codes-etc-passwd.txt",
		"日本": "recovery-codes.txt", "\"<>|": "recovery-codes.txt", "CON": "recovery-codes-con.txt",
	} {
		if got := fileName(app); got != want {
			t.Errorf("%q: %q, want %q", app, got, want)
		}
	}
	if got := fileName(strings.Repeat("long ", 100)); len(got) > 64 {
		t.Errorf("%d characters", len(got))
	}
	root := named(t, "codes-hostile")
	if got := words(one(t, root, "p", "id", "file")); !strings.HasPrefix(got, "Recovery codes for <script>") || strings.Contains(got, "\u202e") {
		t.Errorf("the file begins with %q", got)
	}
}
