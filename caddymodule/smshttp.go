package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/sms"
)

func init() { caddy.RegisterModule(new(SMSHTTP)) }

// SMSHTTP sends text messages through a gateway that takes one HTTP request for each.
//
//	sms http <url> {
//		method  POST|PUT|PATCH|GET
//		header  <name> <value>
//		body    json|form <template>
//		success status <status>...
//		timeout <duration>
//	}
//
// In the template {sms.to} stands for the number and {sms.text} for the message, escaped for where they stand. Other
// placeholders are replaced too, in every text. Redirects are not followed. The gateway is not called before there is a
// message.
type SMSHTTP struct {
	// The URL, or a stand-in for a URL with a password that the Caddyfile spells out. Required.
	Address string `json:"address"`
	// The method of the request. With `GET` the form stands in the address. Default: `POST`
	Method string `json:"method,omitempty"`
	// Fields of the request's header. Those that the Caddyfile spells out have a stand-in.
	Header []SMSHeader `json:"header,omitempty"`
	// What the body is, `json` or `form`, and its template, or a stand-in for one in which the Caddyfile spells out a
	// password. Required.
	Body []string `json:"body,omitempty"`
	// The statuses, such as `202` or `2xx`, by which the gateway says that it has the message. Default: `2xx`
	Success []string `json:"success,omitempty"`
	// How long sending a message may take. Default: `10s`
	Timeout caddy.Duration `json:"timeout,omitempty"`

	sender *sms.HTTP
}

// SMSHeader is a field of a request's header.
type SMSHeader struct {
	// The field's name.
	Name string `json:"name"`
	// Its value.
	Value string `json:"value"`
}

// CaddyModule returns the Caddy module information.
func (*SMSHTTP) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "second_factor.sms.http", New: func() caddy.Module { return new(SMSHTTP) }}
}

// Provision replaces placeholders.
func (s *SMSHTTP) Provision(caddy.Context) error {
	options, err := s.options(revealLiteral)
	if err == nil {
		options.URL, err = revealAddress(s.Address)
	}
	if err != nil {
		return fmt.Errorf("sms http: %w", err)
	}
	if s.sender, err = sms.NewHTTP(options); err != nil {
		return fmt.Errorf("sms http: %w", err)
	}
	return nil
}

// options are the settings of the sender, but for the address.
func (s *SMSHTTP) options(reveal func(setting, value string) (string, error)) (options sms.Options, err error) {
	options = sms.Options{Method: s.Method, Header: make(http.Header), Timeout: time.Duration(s.Timeout)}
	for _, field := range s.Header {
		value, err := reveal("header "+field.Name, field.Value)
		if err != nil {
			return options, err
		}
		options.Header.Add(field.Name, value)
	}
	if len(s.Body) != 2 {
		return options, errors.New("body: want json <template> or form <template>")
	}
	template := s.Body[1]
	if strings.HasPrefix(template, literalPrefix) {
		if template, err = reveal("body", template); err != nil {
			return options, err
		}
		template = strings.TrimPrefix(template, templatePrefix)
	}
	switch s.Body[0] {
	case "json":
		options.JSON, err = revealTemplate(template, sms.InString, reveal)
	case "form":
		options.Form, err = revealTemplate(template, url.QueryEscape, reveal)
	default:
		err = fmt.Errorf("body: '%s': want json or form", s.Body[0])
	}
	if err != nil {
		return options, err
	}
	options.Success, err = successOf(s.Success)
	return options, err
}

// Sender sends a message while somebody waits for it.
func (s *SMSHTTP) Sender() sms.Sender { return s.sender }

// Plain is the gateway's host and port, if anybody on the way can read the messages; else empty.
func (s *SMSHTTP) Plain() string {
	address, err := revealAddress(s.Address)
	if err != nil {
		return ""
	}
	if parsed, err := url.Parse(address); err == nil && parsed.Scheme == "http" && !isLoopback(parsed.Hostname()) {
		return parsed.Host
	}
	return ""
}

var (
	// namedPlace is a placeholder. What else stands in braces in JSON is none.
	namedPlace = regexp.MustCompile(`\{[A-Za-z][A-Za-z0-9_.$/-]*\}`)
	// messagePlace is one that stands for a part of the message, which is put in when there is one.
	messagePlace = regexp.MustCompile(`^\{sms\.(to|text)\}$`)
	// secretWord is what a field is called whose value is a password.
	secretWord = regexp.MustCompile(`(?i)pass|pwd|secret|token|key|auth|cred|sign|account|user|login`)
)

// revealTemplate replaces the placeholders of a template, but for those of the message, escaped for where they stand.
func revealTemplate(template string, escape func(string) string, reveal func(setting, value string) (string, error)) (string, error) {
	var failed error
	revealed := namedPlace.ReplaceAllStringFunc(template, func(name string) string {
		if messagePlace.MatchString(name) {
			return name
		}
		value, err := reveal("body", name)
		if err != nil && failed == nil {
			failed = err
		}
		return escape(value)
	})
	return revealed, failed
}

// successOf reads the statuses of a success; nil where none are given.
func successOf(statuses []string) (func(status int) bool, error) {
	if len(statuses) == 0 {
		return nil, nil
	}
	type span struct{ low, high int }
	var spans []span
	for _, text := range statuses {
		low, high, err := login.StatusRange(text)
		if err != nil {
			return nil, fmt.Errorf("success: %w", err)
		}
		if low >= 300 && low < 400 {
			return nil, fmt.Errorf("success: %s is a redirect, which is not followed", text)
		}
		spans = append(spans, span{low, high})
	}
	return func(status int) bool {
		for _, span := range spans {
			if status >= span.low && status <= span.high {
				return true
			}
		}
		return false
	}, nil
}

// UnmarshalCaddyfile reads the module's own words.
func (s *SMSHTTP) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	said, err := readModule(d, &s.Address, smsWords(), s)
	if err != nil {
		return err
	}
	name, _ := said.last("")
	switch {
	case s.Address == "":
		return name.wrap(named(name.token.Text, errors.New("the gateway's address is missing")))
	case len(s.Body) == 0:
		return name.wrap(named(name.token.Text, errors.New("'body' is missing: what the request says")))
	}
	if err := s.check(); err != nil {
		return name.wrap(named(name.token.Text, err))
	}
	s.Address = hideAddress(s.Address)
	for i, field := range s.Header {
		if !placeholder.MatchString(field.Value) {
			s.Header[i].Value = hideLiteral(field.Value)
		}
	}
	if secretWord.MatchString(s.Body[1]) {
		s.Body[1] = hideLiteral(templatePrefix + s.Body[1])
	}
	return nil
}

// templatePrefix begins a template that is hidden: one in braces is no placeholder, which hideLiteral would leave
// alone.
const templatePrefix = " "

// check checks how the words fit together, as far as it is known before placeholders are replaced.
func (s *SMSHTTP) check() error {
	options, err := s.options(func(_, value string) (string, error) { return placeholder.ReplaceAllString(value, "x"), nil })
	if err != nil {
		return err
	}
	if options.URL = s.Address; placeholder.MatchString(s.Address) && !strings.Contains(s.Address, "{sms.") {
		options.URL = "https://sms.example.com/"
	}
	_, err = sms.NewHTTP(options)
	return err
}

// smsWords are the words of `sms http`.
func smsWords() table[SMSHTTP] {
	header := row("header", "<name> <value>", readSMSHeader, func(s *SMSHTTP) *[]SMSHeader { return &s.Header }, nil)
	header.repeats = true
	return table[SMSHTTP]{
		row("method", "POST|PUT|PATCH|GET", text(sms.CheckMethod), func(s *SMSHTTP) *string { return &s.Method }, nil),
		header,
		row("body", "json|form <template>", readSMSBody, func(s *SMSHTTP) *[]string { return &s.Body }, nil),
		row("success", "status <status>...", readSMSSuccess, func(s *SMSHTTP) *[]string { return &s.Success }, nil),
		row("timeout", "<duration>", atLeast(leastTimeout), func(s *SMSHTTP) *caddy.Duration { return &s.Timeout }, nil),
	}
}

func readSMSHeader(arguments []string, value *[]SMSHeader) error {
	if len(arguments) != 2 {
		return errCount
	}
	*value = append(*value, SMSHeader{arguments[0], arguments[1]})
	return sms.CheckHeader(arguments[0], arguments[1])
}

func readSMSBody(arguments []string, value *[]string) error {
	if len(arguments) != 2 || arguments[1] == "" {
		return errCount
	}
	*value = arguments
	return oneOf(arguments[0], "json", "form")
}

func readSMSSuccess(arguments []string, value *[]string) error {
	if len(arguments) < 2 || arguments[0] != "status" {
		return errCount
	}
	*value = arguments[1:]
	_, err := successOf(arguments[1:])
	return err
}

var (
	_ SMS                   = (*SMSHTTP)(nil)
	_ caddy.Provisioner     = (*SMSHTTP)(nil)
	_ caddyfile.Unmarshaler = (*SMSHTTP)(nil)
)
