package sms_test

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/sms"
	"sallyport.example/sallyport/test/servers"
)

// sender makes a sender that has to be right.
func sender(t *testing.T, options sms.Options) *sms.HTTP {
	t.Helper()
	s, err := sms.NewHTTP(options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// got is a request as it came.
type got struct {
	method, query, body string
	header              http.Header
}

// gateway is one that keeps what it gets, and answers as it is told.
func gateway(t *testing.T, answer http.HandlerFunc) (address string, requests func() []got) {
	t.Helper()
	var mutex sync.Mutex
	var all []got
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mutex.Lock()
		all = append(all, got{r.Method, r.URL.RawQuery, string(body), r.Header})
		mutex.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []got {
		mutex.Lock()
		defer mutex.Unlock()
		return all
	}
}

const (
	jsonTemplate = `{"to": "{sms.to}", "content": {"text": "{sms.text}"}, "n": 12345678901234567890}`
	formTemplate = "from=Wiki&to={sms.to}&text={sms.text}"
)

// nasty are messages that would mean something else if they were not escaped for where they stand.
var nasty = []string{
	text, `"}, "to": "+666666`, `\", \u0022`, "&to=%2B666666&text=", "a%0Ab", "{sms.to}", "<b>&amp;</b>", "مرحبا 123456", "\u2028\x00\t", "#;+ /?",
}

// TestNothingIsInjected is an attack: whoever can choose a name, an issuer or a host writes into the message what ends
// a string of JSON, or a field of a form. The gateway gets the message, to the number, and no other field.
func TestNothingIsInjected(t *testing.T) {
	t.Parallel()
	address, requests := gateway(t, nil)
	for _, message := range nasty {
		for _, options := range []sms.Options{{JSON: jsonTemplate}, {Form: formTemplate}, {Form: formTemplate, Method: http.MethodGet}} {
			options.URL = address + "/send?account=a%26b"
			if err := sender(t, options).Send(t.Context(), sms.Message{To: number, Text: message}); err != nil {
				t.Fatal(err)
			}
			all := requests()
			last := all[len(all)-1]
			if options.JSON != "" {
				var body struct {
					To      string
					Content map[string]string
					N       json.Number
				}
				decoder := json.NewDecoder(strings.NewReader(last.body))
				decoder.DisallowUnknownFields()
				if err := decoder.Decode(&body); err != nil || body.To != number || body.Content["text"] != message || len(body.Content) != 1 ||
					body.N != "12345678901234567890" || last.query != "account=a%26b" || last.header.Get("Content-Type") != "application/json" {
					t.Errorf("%q: %v: %+v", message, err, last)
				}
				continue
			}
			fields, want := last.body, 3
			if options.Method == http.MethodGet {
				fields, want = last.query, 4
			}
			values, err := url.ParseQuery(fields)
			if err != nil || len(values) != want || values.Get("to") != number || values.Get("text") != message || len(values["to"]) != 1 {
				t.Errorf("%q: %v: %+v", message, err, last)
			}
		}
	}
	if err := sender(t, sms.Options{URL: address, Form: formTemplate}).Send(t.Context(), sms.Message{To: number + "&to=+666666"}); !errors.Is(err, sms.ErrNumber) {
		t.Errorf("a number with another one behind it: %v", err)
	}
}

// TestHeadersAndStatuses: what the operator says goes with the request, and decides which answer is a success.
func TestHeadersAndStatuses(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	address, requests := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "the text was "+text)
	})
	usual := sms.Options{URL: address, Method: http.MethodPut, JSON: jsonTemplate, Header: http.Header{"Authorization": {"Bearer hunter2"}, "Content-Type": {"application/vnd.api+json"}}}
	strict := usual
	strict.Success = func(status int) bool { return status == http.StatusAccepted }
	for _, c := range []struct {
		options sms.Options
		status  int
		want    error
	}{
		{usual, 200, nil},
		{usual, 202, nil},
		{usual, 299, nil},
		{usual, 302, sms.ErrRefused},
		{usual, 307, sms.ErrRefused},
		{usual, 401, sms.ErrLogin},
		{usual, 403, sms.ErrLogin},
		{usual, 404, sms.ErrRefused},
		{usual, 429, sms.ErrRefused},
		{usual, 500, sms.ErrRefused},
		{strict, 202, nil},
		{strict, 200, sms.ErrRefused},
	} {
		status = c.status
		before := len(requests())
		err := sender(t, c.options).Send(t.Context(), hello)
		if !errors.Is(err, c.want) {
			t.Errorf("%d: %v, want %v", c.status, err, c.want)
		}
		if all := requests(); len(all) != before+1 || all[before].method != http.MethodPut || all[before].header.Get("Authorization") != "Bearer hunter2" ||
			all[before].header.Get("Content-Type") != "application/vnd.api+json" {
			t.Errorf("%d: requests %+v", c.status, all[before:])
		}
		var failure *sms.SendError
		if errors.As(err, &failure) && failure.Code != c.status {
			t.Errorf("the error says %d, want %d", failure.Code, c.status)
		}
		quiet(t, err)
	}
}

// quiet fails if an error says more than host and status (P9).
func quiet(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, secret := range []string{"hunter2", "123456", number, "/send?", "account"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("an error says %s: %v", secret, err)
		}
	}
}

// TestFailures: gateways that are down, slow, endless, or without the encryption that the address promises. Each is
// told apart, in time, and no error says more than host and status.
func TestFailures(t *testing.T) {
	t.Parallel()
	const account = "/send?account=hunter2"
	release := make(chan struct{})
	slow, _ := gateway(t, func(http.ResponseWriter, *http.Request) { <-release })
	// Before the server is closed.
	t.Cleanup(func() { close(release) })
	endless, _ := gateway(t, func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := io.WriteString(w, strings.Repeat("x", 1<<16)); err != nil {
				return
			}
		}
	})
	headers, _ := gateway(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Long", strings.Repeat("x", 1<<20)) })
	encrypted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(encrypted.Close)
	for name, c := range map[string]struct {
		url     string
		timeout time.Duration
		want    error
	}{
		"down": {"http://" + closed(t), 0, sms.ErrUnreachable}, "slow": {slow, 100 * time.Millisecond, sms.ErrSlow}, "an answer without end": {endless, 0, nil},
		"a header without end": {headers, 0, sms.ErrUnreachable},
		"no certificate":       {encrypted.URL, 0, sms.ErrTLS}, "no encryption": {strings.Replace(endless, "http:", "https:", 1), 0, sms.ErrTLS},
	} {
		err := sender(t, sms.Options{URL: c.url + account, JSON: jsonTemplate, Timeout: c.timeout}).Send(t.Context(), hello)
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		quiet(t, err)
	}
}

// closed is an address at which nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// TestSettings: what cannot work is refused when it is set, and no error repeats an address.
func TestSettings(t *testing.T) {
	t.Parallel()
	good := sms.Options{URL: "https://user:hunter2@sms.example.com/send", JSON: jsonTemplate}
	if s := sender(t, good); s.Address() != "sms.example.com:443" {
		t.Errorf("the address is %s", s.Address())
	}
	for name, change := range map[string]func(*sms.Options){
		"no address":               func(o *sms.Options) { o.URL = "" },
		"another scheme":           func(o *sms.Options) { o.URL = "ftp://hunter2@sms.example.com" },
		"no host":                  func(o *sms.Options) { o.URL = "https:///hunter2" },
		"malformed":                func(o *sms.Options) { o.URL = "https://sms.example.com/%zzhunter2" },
		"a fragment":               func(o *sms.Options) { o.URL = "https://sms.example.com/#hunter2" },
		"a message in the address": func(o *sms.Options) { o.URL = "https://sms.example.com/?text={sms.text}" },
		"another method":           func(o *sms.Options) { o.Method = "DELETE" },
		"GET with JSON":            func(o *sms.Options) { o.Method = "GET" },
		"a header's name":          func(o *sms.Options) { o.Header = http.Header{"X Y": {"z"}} },
		"a header's value":         func(o *sms.Options) { o.Header = http.Header{"X": {"z\r\nY: z"}} },
		"the request's header":     func(o *sms.Options) { o.Header = http.Header{"content-length": {"0"}} },
		"no body":                  func(o *sms.Options) { o.JSON = "" },
		"two bodies":               func(o *sms.Options) { o.Form = formTemplate },
		"no JSON":                  func(o *sms.Options) { o.JSON = `{"to": "{sms.to}", "text": {sms.text}}` },
		"an escape":                func(o *sms.Options) { o.JSON = `{"to": "{sms.to}", "text": "\{sms.text}"}` },
		"no number":                func(o *sms.Options) { o.JSON = `{"text": "{sms.text}"}` },
		"no text":                  func(o *sms.Options) { o.JSON, o.Form = "", "to={sms.to}" },
		"no form":                  func(o *sms.Options) { o.JSON, o.Form = "", "to={sms.to}&text=a {sms.text}" },
		"a form's escape":          func(o *sms.Options) { o.JSON, o.Form = "", "to={sms.to}&text=%zz{sms.text}" },
	} {
		options := good
		change(&options)
		_, err := sms.NewHTTP(options)
		if err == nil {
			t.Errorf("%s is taken", name)
		}
		quiet(t, err)
	}
}

// TestKannel sends through a real gateway: the number and each letter of the text arrive, in one message or several
// parts. A wrong password, and a gateway that is gone, are told apart.
func TestKannel(t *testing.T) {
	t.Parallel()
	kannel := servers.StartKannel(t)
	options := sms.Options{URL: kannel.URL, Method: http.MethodGet, Form: servers.KannelForm}
	messages := []string{text, "Wiki: koodisi on 123456, älä näytä sitä & <%+>", "ويكي: رمزك هو 123456\n\n@wiki.example.com #123456", strings.Repeat("long ", 60)}
	for i, message := range messages {
		if err := sender(t, options).Send(t.Context(), sms.Message{To: number, Text: message}); err != nil {
			t.Fatal(err)
		}
		all := kannel.Wait(i + 1)
		if len(all) != i+1 || all[i] != (servers.TextMessage{To: number, Text: message}) {
			t.Errorf("got %+v", all)
		}
	}
	wrong := options
	wrong.Form = strings.Replace(wrong.Form, servers.EscapedPassword, "wrong", 1)
	if err := sender(t, wrong).Send(t.Context(), hello); !errors.Is(err, sms.ErrLogin) {
		t.Errorf("with a wrong password: %v", err)
	}
	if all := kannel.Messages(); len(all) != len(messages) {
		t.Errorf("a message came that was refused: %+v", all[len(messages):])
	}
	kannel.Kill()
	if err := sender(t, options).Send(t.Context(), hello); !errors.Is(err, sms.ErrUnreachable) {
		t.Errorf("where nobody is: %v", err)
	}
}
