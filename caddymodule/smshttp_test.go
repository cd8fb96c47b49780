package caddymodule

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"sallyport.example/sallyport/sms"
)

// smsOf adapts an `sms` line of the global block and provisions the guest that it names.
func smsOf(t *testing.T, line string) (guest *SMSHTTP, config string, err error) {
	t.Helper()
	guest = new(SMSHTTP)
	if config, err = guestOf(t, line, "sms", guest); err != nil {
		return nil, "", err
	}
	return guest, config, guest.Provision(caddy.Context{})
}

const smsForm = "\n\t\t\tbody form to={sms.to}&text={sms.text}\n"

// TestSMSErrorsNameTheLine: what cannot be used is found while the line is known.
func TestSMSErrorsNameTheLine(t *testing.T) {
	const address = "sms http https://sms.example.com/send"
	for line, want := range map[string]string{
		"sms":                                "wrong argument count",
		"sms pigeon":                         "kind of sms",
		"sms http {" + smsForm + "}":         "address is missing",
		address:                              "'body' is missing",
		"sms http ftp://a {" + smsForm + "}": "want an address",
		"sms http https://a/?x={sms.text} {" + smsForm + "}":                                    "stand in the body",
		address + " b {" + smsForm + "}":                                                        "wrong argument count",
		address + " {\n\t\t\tbody form to={sms.to}\n}":                                          "lacks {sms.text}",
		address + " {\n\t\t\tbody json to={sms.to}\n}":                                          "want JSON",
		address + " {\n\t\t\tbody xml <a>\n}":                                                   "want json or form",
		address + " {" + smsForm + smsForm + "}":                                                "stands on line",
		address + " {" + smsForm + "method DELETE\n}":                                           "want POST",
		address + " {" + smsForm + "header Host x\n}":                                           "request's own",
		address + " {" + smsForm + "header X\n}":                                                "wrong argument count",
		address + " {" + smsForm + "success 200\n}":                                             "wrong argument count",
		address + " {" + smsForm + "success status 6xx\n}":                                      "neither a status",
		address + " {" + smsForm + "success status 302\n}":                                      "redirect",
		address + " {" + smsForm + "timeout 1ms\n}":                                             "too short",
		address + " {\n\t\t\tmethod GET\n\t\t\tbody json `{\"a\": \"{sms.to} {sms.text}\"}`\n}": "has no body",
		address + " {" + smsForm + "}\n\t\t" + address + " {" + smsForm + "}":                   "stands on line",
	} {
		_, _, err := smsOf(t, line)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Caddyfile:") {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
	if _, _, err := smsOf(t, address+" {"+smsForm+"}"); err != nil {
		t.Error(err)
	}
}

// TestP9_SMSPasswordsAreNotInTheConfiguration: what is spelt out, or stands behind a placeholder, is neither in
// `/config/` nor in an error, and the gateway gets it, escaped for where it stands.
func TestP9_SMSPasswordsAreNotInTheConfiguration(t *testing.T) {
	const password = `p@ss"&w{o}rd`
	t.Setenv("SALLYPORT_TEST_PASSWORD", password)
	var header, body, query string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		header, body, query = r.Header.Get("X-Key"), string(content), r.URL.RawQuery
	}))
	t.Cleanup(server.Close)
	for line, want := range map[string][3]string{ // header, body and query as they come
		"sms http %s {\n\t\t\theader X-Key hunter2\n" + smsForm + "}":                                    {"hunter2", "to=%2B12345&text=hi", ""},
		"sms http %s {\n\t\t\theader X-Key \"Bearer {env.SALLYPORT_TEST_PASSWORD}\"\n" + smsForm + "}":   {"Bearer " + password, "to=%2B12345&text=hi", ""},
		"sms http %s {\n\t\t\tbody json `{\"password\": \"hunter2\", \"a\": \"{sms.to}{sms.text}\"}`\n}": {"", `{"password": "hunter2", "a": "+12345hi"}`, ""},
		"sms http %s {\n\t\t\tbody json `{\"p\": \"{env.SALLYPORT_TEST_PASSWORD}\", \"a\": \"{sms.to}{sms.text}\"}`\n}": {
			"", `{"p": "p@ss\"&w{o}rd", "a": "+12345hi"}`, "",
		},
		"sms http %s {\n\t\t\tmethod GET\n\t\t\tbody form password=hunter2&p={env.SALLYPORT_TEST_PASSWORD}&to={sms.to}&text={sms.text}\n}": {
			"", "", "password=hunter2&p=p%40ss%22%26w%7Bo%7Drd&to=%2B12345&text=hi",
		},
		"sms http %s/?password=hunter2 {" + smsForm + "}": {"", "to=%2B12345&text=hi", "password=hunter2"},
	} {
		guest, config, err := smsOf(t, fmt.Sprintf(line, server.URL))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if strings.Contains(config, "hunter2") || strings.Contains(config, "p@ss") {
			t.Errorf("%s: the configuration is %s", line, config)
		}
		if err := guest.Sender().Send(t.Context(), sms.Message{To: "+12345", Text: "hi"}); err != nil || [3]string{header, body, query} != want {
			t.Errorf("%s: %v: header %q, body %q, query %q", line, err, header, body, query)
		}
	}
	t.Setenv("SALLYPORT_TEST_PASSWORD", "a\r\nX-Other: p@ss")
	_, _, err := smsOf(t, "sms http https://sms.example.com {\n\t\t\theader X-Key {env.SALLYPORT_TEST_PASSWORD}\n"+smsForm+"}")
	if err == nil || strings.Contains(err.Error(), "p@ss") {
		t.Errorf("a header with another one in it: %v", err)
	}
}

// TestSMSPlain: where codes can be read on the way, the start says so.
func TestSMSPlain(t *testing.T) {
	for address, want := range map[string]string{
		"https://sms.example.com/": "", "http://127.0.0.1:8080/": "", "http://localhost/": "", "http://sms.example.com/?password=x": "sms.example.com",
	} {
		guest, _, err := smsOf(t, "sms http "+address+" {"+smsForm+"}")
		if err != nil || guest.Plain() != want {
			t.Errorf("%s: %v, %q", address, err, guest.Plain())
		}
	}
}
