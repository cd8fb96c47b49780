package caddymodule

import (
	"strings"
	"testing"
)

// TestSentCodesErrorsNameTheLine: what cannot be sent is found at the line that asks for it: without a block, without a
// sender, with a lifetime that is too long, with limits that cannot be.
func TestSentCodesErrorsNameTheLine(t *testing.T) {
	const (
		smtp = "\t\tmail smtp smtp://127.0.0.1:25 {\n\t\t\tfrom a@example.com\n\t\t}\n"
		sms  = "\t\tsms http https://sms.example.com/ {\n\t\t\tbody form to={sms.to}&text={sms.text}\n\t\t}\n"
		site = "\t\tlogin /login {\n\t\t\tusername form username\n\t\t}\n\t\tidentity /api/me json /login\n"
		mail = "\t\tmail {\n\t\t\taddress json /email\n\t\t}\n"
		text = "\t\tsms {\n\t\t\taddress user\n\t\t}\n"
	)
	for _, c := range []struct{ global, site, want string }{
		{smtp + sms, "\t\tfactors totp mail sms\n" + mail + text, ""},
		{smtp, "\t\tfactors mail\n" + mail, ""},
		{"", mail, ""}, // for notices, or for later
		{"", "\t\tfactors mail\n" + mail, "factors: mail: there is no server"},
		{smtp, "\t\tfactors totp sms\n" + text, "factors: sms: there is no gateway"},
		{smtp, "\t\tfactors mail\n", "factors: mail: say where the codes go"},
		{sms, "\t\tfactors sms\n", "factors: sms: say where the codes go"},
		{smtp, "\t\tfactors email\n" + mail, "did you mean 'mail'"},
		{smtp, "\t\tmail {\n\t\t\taddress json /email\n\t\t\tlifetime 11m\n\t\t}\n", "from 1s to 10m"},
		{smtp, "\t\tmail {\n\t\t\tlifetime 5m\n\t\t}\n", "address json <pointer>"},
		{smtp, "\t\tmail {\n\t\t\taddress form email\n\t\t}\n", "wrong argument count"},
		{smtp, "\t\tmail {\n\t\t\taddress user\n\t\t}\n\t\tnotify mail\n", "notify mail: say where"},
		{smtp, "\t\tsending {\n\t\t\thour 10\n\t\t\tday 5\n\t\t}\n", "day must not be less"},
		{smtp, "\t\tsending {\n\t\t\thour 101\n\t\t}\n", "from 1 to 100"},
	} {
		global := ""
		if c.global != "" {
			global = "second_factor {\n" + c.global + "\t}\n"
		}
		content := "http://127.0.0.1:8090 {\n\tsecond_factor {\n\t\tapp wiki\n" + site + c.site + "\t}\n\treverse_proxy 127.0.0.1:8080\n}\n"
		_, err := adapt("{\n" + global + "}\n" + content)
		if err == nil {
			_, err = validate(t, global, content)
		}
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s%s: %v", c.global, c.site, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), "Caddyfile:") || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s%s: %v, want %q", c.global, c.site, err, c.want)
		}
	}
}

// TestSentCodesAreWeaker: whoever offers them is told so at the start and by validate.
func TestSentCodesAreWeaker(t *testing.T) {
	const senders = "second_factor {\n\t\tmail smtp smtp://127.0.0.1:25 {\n\t\t\tfrom a@example.com\n\t\t}\n\t}\n"
	for lines, want := range map[string]bool{
		"\t\tfactors totp mail\n\t\tmail {\n\t\t\taddress json /email\n\t\t}": true, "\t\tmail {\n\t\t\taddress json /email\n\t\t}": false,
	} {
		warnings, err := validate(t, senders, "http://127.0.0.1:8090 {\n\t"+block(lines)+"\treverse_proxy 127.0.0.1:8080\n}\n")
		if err != nil || strings.Contains(strings.Join(warnings, "\n"), "factors: codes by e-mail are weaker") != want {
			t.Errorf("%s: %v, %q", lines, err, warnings)
		}
	}
}
