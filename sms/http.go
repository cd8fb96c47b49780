package sms

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
)

// DefaultTimeout is how long sending a message may take in all.
const DefaultTimeout = 10 * time.Second

const (
	// maxAnswer is how much of an answer is read, in bytes, so that the connection can be used again. Nothing in it is
	// looked at.
	maxAnswer = 64 << 10
	// maxAnswerHeader is how much of its header is read, in bytes.
	maxAnswerHeader = 32 << 10
)

// Options are the settings of an HTTP sender.
type Options struct {
	// URL is where the gateway takes messages: http or https, which may have a query.
	URL string
	// Method is the method of the request. Default: POST. With GET the form stands in the address.
	Method string
	// Header are further fields of the request's header, such as Authorization.
	Header http.Header
	// JSON and Form are templates of the body, of which there is one. {sms.to} and {sms.text} stand for the number and
	// the message, escaped for where they stand.
	JSON, Form string
	// Success reports whether a status says that the gateway has the message. Default: 200 to 299.
	Success func(status int) bool
	// Timeout is how long sending a message may take in all. Default DefaultTimeout.
	Timeout time.Duration
	// Transport makes the requests. Default: one of its own, like http.DefaultTransport.
	Transport http.RoundTripper
}

// HTTP sends messages through one gateway, each by one request. It follows no redirect, which could lead a code
// anywhere. Safe for concurrent use.
type HTTP struct {
	options Options
	server  string
	client  *http.Client
}

// NewHTTP checks the settings. It opens no connection. Its errors do not repeat the URL, which may have a password.
func NewHTTP(options Options) (*HTTP, error) {
	if options.Method == "" {
		options.Method = http.MethodPost
	}
	if options.Timeout == 0 {
		options.Timeout = DefaultTimeout
	}
	if options.Success == nil {
		options.Success = func(status int) bool { return status >= 200 && status < 300 }
	}
	parsed, err := parseURL(options.URL)
	if err == nil {
		err = options.check()
	}
	if err != nil {
		return nil, err
	}
	if options.Transport == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxResponseHeaderBytes = maxAnswerHeader
		options.Transport = transport
	}
	return &HTTP{options: options, server: serverOf(parsed), client: &http.Client{
		Transport:     options.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// CheckURL checks the address of a gateway.
func CheckURL(address string) error {
	_, err := parseURL(address)
	return err
}

func parseURL(address string) (*url.URL, error) {
	parsed, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.New("the address is malformed") // the error would quote it
	case parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Hostname() == "":
		return nil, errors.New("want an address such as https://sms.example.com/send")
	case parsed.Fragment != "":
		return nil, errors.New("an address has no fragment (#)")
	case strings.Contains(address, placeTo) || strings.Contains(address, placeText):
		return nil, errors.New("the number and the message stand in the body, and not in the address")
	}
	return parsed, nil
}

// serverOf is host and port.
func serverOf(parsed *url.URL) string {
	if parsed.Port() != "" {
		return parsed.Host
	}
	return net.JoinHostPort(parsed.Hostname(), map[string]string{"http": "80", "https": "443"}[parsed.Scheme])
}

func (o *Options) check() error {
	if err := CheckMethod(o.Method); err != nil {
		return err
	}
	for name, values := range o.Header {
		if !slices.ContainsFunc(values, func(value string) bool { return CheckHeader(name, value) != nil }) {
			continue
		}
		return errors.New("header " + name + ": it cannot be sent")
	}
	switch {
	case (o.JSON == "") == (o.Form == ""):
		return errors.New("want one body: json, or form")
	case o.JSON != "" && !carries(o.Method):
		return errors.New("a request with " + o.Method + " has no body; with form its fields stand in the address")
	case o.JSON != "":
		return CheckJSON(o.JSON)
	}
	return CheckForm(o.Form)
}

// CheckMethod checks the method of a request.
func CheckMethod(method string) error {
	if !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodGet}, method) {
		return errors.New("want POST, PUT, PATCH or GET")
	}
	return nil
}

// carries reports whether a request with this method has a body.
func carries(method string) bool { return method != http.MethodGet }

// CheckHeader checks a field of a request's header. What the request itself needs is not the operator's to say.
func CheckHeader(name, value string) error {
	switch {
	case !httpguts.ValidHeaderFieldName(name):
		return errors.New("want the name of a header, such as Authorization")
	case slices.Contains([]string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Upgrade"}, http.CanonicalHeaderKey(name)):
		return errors.New("this header is the request's own")
	case !httpguts.ValidHeaderFieldValue(value):
		return errors.New("its value has characters that no header can hold")
	}
	return nil
}

// Address is host and port of the gateway.
func (h *HTTP) Address() string { return h.server }

// Send implements Sender. It returns within the timeout, whatever the gateway does. A message that the gateway answers
// too late may be sent all the same.
func (h *HTTP) Send(ctx context.Context, message Message) error {
	if err := CheckNumber(message.To); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, h.options.Timeout)
	defer cancel()
	request, err := h.request(ctx, message)
	if err != nil {
		return &SendError{Kind: ErrUnreachable, Server: h.server, why: "the settings cannot be used"}
	}
	answer, err := h.client.Do(request)
	if err != nil {
		return h.fail(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer)) // the status has come, and it decides
	if !h.options.Success(answer.StatusCode) {
		return h.answered(answer.StatusCode)
	}
	return nil
}

// request makes the request for a message.
func (h *HTTP) request(ctx context.Context, message Message) (*http.Request, error) {
	content, kind := fill(h.options.JSON, message, InString), "application/json"
	if h.options.Form != "" {
		content, kind = fill(h.options.Form, message, url.QueryEscape), "application/x-www-form-urlencoded"
	}
	body := content
	if !carries(h.options.Method) {
		body = ""
	}
	request, err := http.NewRequestWithContext(ctx, h.options.Method, h.options.URL, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "Sallyport")
	if carries(h.options.Method) {
		request.Header.Set("Content-Type", kind)
	} else {
		request.URL.RawQuery = strings.TrimPrefix(request.URL.RawQuery+"&"+content, "&")
	}
	maps.Copy(request.Header, h.options.Header.Clone())
	return request, nil
}

var _ Sender = (*HTTP)(nil)
