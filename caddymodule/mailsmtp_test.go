package caddymodule

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// mailOf adapts a `mail` line of the global block and provisions the guest that it names.
func mailOf(t *testing.T, line string) (guest *MailSMTP, config string, err error) {
	t.Helper()
	guest = new(MailSMTP)
	if config, err = guestOf(t, line, "mail", guest); err != nil {
		return nil, "", err
	}
	t.Cleanup(func() {
		if err := guest.Cleanup(); err != nil {
			t.Error(err)
		}
	})
	return guest, config, guest.Provision(caddy.Context{})
}

// guestOf adapts a line of the global block, and reads what it says about a guest into guest.
func guestOf(t *testing.T, line, name string, guest any) (config string, err error) {
	t.Helper()
	adapted, err := adapt("{\n\tsecond_factor {\n\t\t" + line + "\n\t}\n}\n:80 {\n}\n")
	if err != nil {
		return "", err
	}
	var parsed struct {
		Apps struct {
			SecondFactor map[string]json.RawMessage `json:"second_factor"`
		}
	}
	if err := json.Unmarshal(adapted, &parsed); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(parsed.Apps.SecondFactor[name], guest); err != nil {
		t.Fatal(err)
	}
	return string(adapted), nil
}

// TestMailErrorsNameTheLine: a bad setting is found while its line is still known.
func TestMailErrorsNameTheLine(t *testing.T) {
	const from = " {\n\t\t\tfrom a@example.com\n\t\t}"
	for line, want := range map[string]string{
		"mail":                                                                     "wrong argument count",
		"mail pigeon":                                                              "did you mean",
		"mail smtp" + from:                                                         "URL is missing",
		"mail smtp smtp://mail.example.com":                                        "'from' is missing",
		"mail smtp smtp://a smtp://b" + from:                                       "wrong argument count",
		"mail smtp mail.example.com" + from:                                        "want smtp://",
		"mail smtp http://example.com" + from:                                      "want smtp://",
		"mail smtp smtp://user@mail.example.com" + from:                            "no password",
		"mail smtp smtp://a {\n\t\t\tfrom nobody\n\t\t}":                           "want an address",
		"mail smtp smtp://a {\n\t\t\tfrom \"a@b.c, d@e.f\"\n\t\t}":                 "want an address",
		"mail smtp smtp://a {\n\t\t\tfrom a@b.c\n\t\t\ttimeout 1ms\n\t\t}":         "too short",
		"mail smtp smtp://a {\n\t\t\tfrom a@b.c\n\t\t\tfrom a@b.c\n\t\t}":          "stands on line",
		"mail smtp smtp://a {\n\t\t\tform a@b.c\n\t\t}":                            "from",
		"mail smtp smtp://a" + from + "\n\t\tmail smtp smtp://a" + from:            "stands on line",
		"mail smtp smtp://a {\n\t\t\tfrom a@b.c\n\t\t\tca_cert /nowhere/at.all\n}": "",
	} {
		_, _, err := mailOf(t, line)
		switch {
		case want == "" && (err == nil || !strings.Contains(err.Error(), "ca_cert")):
			t.Errorf("%s: %v", line, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) && want != "did you mean" || !strings.Contains(err.Error(), "Caddyfile:")):
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

// TestP9_MailPasswordIsNotInTheConfiguration: the password is in neither `/config/` nor an error, but the sender has
// it.
func TestP9_MailPasswordIsNotInTheConfiguration(t *testing.T) {
	const block = " {\n\t\t\tfrom \"Wiki <a@example.com>\"\n\t\t}"
	t.Setenv("SALLYPORT_TEST_USER", "ada@example.com")
	t.Setenv("SALLYPORT_TEST_PASSWORD", "p@ss/w:rd#1%")
	for line, shown := range map[string]string{
		"mail smtp smtps://ada%40example.com:p%40ss%2Fw%3Ard%231%25@mail.example.com" + block:                         "",
		"mail smtp smtps://{env.SALLYPORT_TEST_USER}:{env.SALLYPORT_TEST_PASSWORD}@mail.example.com" + block:          "{env.SALLYPORT_TEST_PASSWORD}",
		"mail smtp smtps://ada%40example.com:{env.SALLYPORT_TEST_PASSWORD}@mail.example.com" + block:                  "{env.SALLYPORT_TEST_PASSWORD}",
		"mail smtp smtps://{env.SALLYPORT_TEST_USER}:{env.SALLYPORT_TEST_PASSWORD}@mail.example.com:" + "465" + block: "465",
	} {
		guest, config, err := mailOf(t, line)
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if strings.Contains(config, "p%40ss") || strings.Contains(config, "p@ss") || !strings.Contains(config, shown) {
			t.Errorf("%s: the configuration is %s", line, config)
		}
		if guest.pooled.sender.Address() != "mail.example.com:465" {
			t.Errorf("%s: server %s", line, guest.pooled.sender.Address())
		}
	}
	t.Setenv("SALLYPORT_TEST_PASSWORD", "")
	_, _, err := mailOf(t, "mail smtp smtps://{env.SALLYPORT_TEST_USER}:{env.SALLYPORT_TEST_PASSWORD}@mail.example.com"+block)
	if err == nil || !strings.Contains(err.Error(), "SALLYPORT_TEST_PASSWORD") || strings.Contains(err.Error(), "ada@") {
		t.Errorf("an unset password: %v", err)
	}
}

// TestMailQueueSurvivesReload: waiting messages stay in the queue under the next configuration, if its settings are
// equal.
func TestMailQueueSurvivesReload(t *testing.T) {
	const line = "mail smtp smtp://mail.example.com {\n\t\t\tfrom a@example.com\n\t\t}"
	one, _, err := mailOf(t, line)
	if err != nil {
		t.Fatal(err)
	}
	same, _, err := mailOf(t, line)
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := mailOf(t, strings.Replace(line, "mail.example", "other.example", 1))
	if err != nil {
		t.Fatal(err)
	}
	if one.Queue() != same.Queue() || one.Queue() == other.Queue() || one.Sender() == nil {
		t.Error("the queue is shared though the settings differ, or not shared though they are equal")
	}
}
