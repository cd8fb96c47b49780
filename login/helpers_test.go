package login

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/internal/match"
)

// request reads a request as the server does.
func request(t testing.TB, method, target, contentType, body string, headers ...string) *http.Request {
	t.Helper()
	var raw strings.Builder
	fmt.Fprintf(&raw, "%s %s HTTP/1.1\r\nHost: app.example\r\n", method, target)
	if contentType != "" {
		fmt.Fprintf(&raw, "Content-Type: %s\r\n", contentType)
	}
	for _, header := range headers {
		raw.WriteString(header + "\r\n")
	}
	if body != "" {
		fmt.Fprintf(&raw, "Content-Length: %d\r\n", len(body))
	}
	raw.WriteString("\r\n" + body)
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw.String())))
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return r
}

func recognise(t testing.TB, s *Set, r *http.Request, body string) (Reading, error) {
	t.Helper()
	length, encoding := r.ContentLength, strings.Join(r.TransferEncoding, ",")
	reading, err := s.Recognise(r, match.ParsePath(r.URL))
	forwarded, readErr := io.ReadAll(r.Body)
	if readErr != nil || string(forwarded) != body {
		t.Fatalf("forwarded %d bytes (%v), received %d", len(forwarded), readErr, len(body))
	}
	if r.ContentLength != length || strings.Join(r.TransferEncoding, ",") != encoding {
		t.Fatal("length or transfer encoding changed")
	}
	if err != nil && (reading.Attempt != nil || reading.Entry) || reading.Attempt != nil && reading.Entry {
		t.Fatalf("%+v beside %v", reading, err)
	}
	return reading, err
}

// outcome describes the result of Recognise in one word.
func outcome(reading Reading, err error) string {
	if refused := (*RefusedError)(nil); errors.As(err, &refused) {
		return fmt.Sprintf("refused %d", refused.Status)
	}
	if unexamined := (*UnexaminedError)(nil); errors.As(err, &unexamined) {
		return fmt.Sprintf("unexamined %d", unexamined.Status)
	}
	if err != nil {
		return err.Error()
	}
	switch {
	case reading.Attempt != nil:
		return "login " + reading.Attempt.Name
	case reading.Entry:
		return "page"
	}
	return "no login"
}

// who is a question to the app for tests to which it does not matter.
var who = []Identity{{Path: "/me", Kind: Header, Header: "X-User"}}

// validated checks a set. If the set does not say how it is known who is signed in, the app is asked.
func validated(t testing.TB, s *Set) *Set {
	t.Helper()
	if !s.Typed && !s.Asks() && s.Placeholder() == "" {
		s.Identities = who
	}
	if err := s.Validate(); err != nil {
		t.Fatal(err)
	}
	return s
}

// formSet makes the simplest set: a form posted to /login.
func formSet(t testing.TB) *Set {
	return validated(t, &Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: Source{Form, "username"}}}})
}

func jsonSet(t testing.TB) *Set {
	return validated(t, &Set{Blocks: []Block{{Paths: match.NewGlobs("/login"), Username: Source{JSON, "/username"}}}})
}

// rules makes lines of rules; each line is a kind and its words, separated by '|'.
func rules(t testing.TB, lines ...string) [][]Rule {
	t.Helper()
	var all [][]Rule
	for _, line := range lines {
		words := strings.Split(line, "|")
		parsed, err := ParseRules(words[0], words[1:])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, parsed)
	}
	return all
}

// part writes one part of a multipart body.
func part(boundary, name, value string) string {
	return "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
}
