package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"sallyport.example/sallyport/demo"
)

// TestP1_Smuggling: one request hides in the body of another. If gateway and app disagree about where a body ends, the
// app takes the rest for a request of its own, which no gate has seen. The outer request is one that anybody may send.
// The inner one must never arrive, neither on this connection to the app nor, left over on it, before somebody else's
// next request.
func TestP1_Smuggling(t *testing.T) {
	t.Parallel()
	s := newSiege(t, demo.Knobs{}, "public POST /static/*\npublic OPTIONS /favicon.ico\n", nil)
	inner := func(n int) string {
		return fmt.Sprintf("GET /files?smuggled=%d HTTP/1.1\r\nHost: %s\r\nX-Second-Factor-User: alice\r\nCookie: ledger_session=%s\r\nContent-Length: 0\r\n\r\n",
			n, s.Address, s.aliceSession)
	}
	chunk := func(text string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(text), text) }
	length := func(text string) string { return fmt.Sprintf("Content-Length: %d", len(text)) }
	number := 0
	for _, attack := range []struct {
		name  string
		lines func(inner string) []string
		body  func(inner string) string
	}{
		{"in a body with a length", func(in string) []string { return []string{length(in)} }, func(in string) string { return in }},
		{"in a body without a length", func(string) []string { return nil }, func(in string) string { return in }},
		{"in a chunk", func(string) []string { return []string{"Transfer-Encoding: chunked"} }, chunk},
		{"behind the last chunk", func(string) []string { return []string{"Transfer-Encoding: chunked"} }, func(in string) string { return "0\r\n\r\n" + in }},
		{"in the trailer", func(string) []string { return []string{"Transfer-Encoding: chunked", "Trailer: X-A"} }, func(in string) string { return "0\r\nX-A: b\r\n" + in }},
		{"length before chunks", func(in string) []string { return []string{length("0\r\n\r\n" + in), "Transfer-Encoding: chunked"} }, func(in string) string { return "0\r\n\r\n" + in }},
		{"chunks before length", func(in string) []string { return []string{"Transfer-Encoding: chunked", "Content-Length: 4"} }, chunk},
		{"length 0 and chunks", func(string) []string { return []string{"Content-Length: 0", "Transfer-Encoding: chunked"} }, chunk},
		{"two lengths", func(in string) []string { return []string{"Content-Length: 0", length(in)} }, func(in string) string { return in }},
		{"two lengths on one line", func(in string) []string { return []string{fmt.Sprintf("Content-Length: 0, %d", len(in))} }, func(in string) string { return in }},
		{"the same length twice", func(in string) []string { return []string{length(in), length(in)} }, func(in string) string { return in }},
		{"length with a sign", func(in string) []string { return []string{fmt.Sprintf("Content-Length: +%d", len(in))} }, func(in string) string { return in }},
		{"negative length", func(string) []string { return []string{"Content-Length: -1"} }, func(in string) string { return in }},
		{"length in hex", func(in string) []string { return []string{fmt.Sprintf("Content-Length: 0x%x", len(in))} }, func(in string) string { return in }},
		{"space in front of the colon", func(string) []string { return []string{"Transfer-Encoding : chunked", "Content-Length: 4"} }, chunk},
		{"tab in the value", func(string) []string { return []string{"Transfer-Encoding:\tchunked", "Content-Length: 4"} }, chunk},
		{"vertical tab in the value", func(string) []string { return []string{"Transfer-Encoding: \x0bchunked", "Content-Length: 4"} }, chunk},
		{"xchunked", func(string) []string { return []string{"Transfer-Encoding: xchunked", "Content-Length: 4"} }, chunk},
		{"identity", func(string) []string { return []string{"Transfer-Encoding: identity", "Content-Length: 4"} }, chunk},
		{"chunked, identity", func(string) []string { return []string{"Transfer-Encoding: chunked, identity", "Content-Length: 4"} }, chunk},
		{"gzip, chunked", func(string) []string { return []string{"Transfer-Encoding: gzip, chunked", "Content-Length: 4"} }, chunk},
		{"two codings", func(string) []string { return []string{"Transfer-Encoding: chunked", "Transfer-Encoding: identity"} }, chunk},
		{"underscore", func(string) []string { return []string{"Transfer_Encoding: chunked", "Content-Length: 4"} }, chunk},
		{"underscored length", func(in string) []string { return []string{fmt.Sprintf("Content_Length: %d", 0), length(in)} }, func(in string) string { return in }},
		{"folded line", func(string) []string { return []string{"X-A: b\r\n Transfer-Encoding: chunked", "Content-Length: 4"} }, chunk},
		{"line end by LF alone", func(string) []string { return []string{"X-A: b\nTransfer-Encoding: chunked", "Content-Length: 4"} }, chunk},
		{"line end by CR alone", func(string) []string { return []string{"X-A: b\rTransfer-Encoding: chunked", "Content-Length: 4"} }, chunk},
		{"chunk size with an extension", func(string) []string { return []string{"Transfer-Encoding: chunked"} }, func(in string) string {
			return fmt.Sprintf("%x;a=\"\r\n\"\r\n%s\r\n0\r\n\r\n", len(in), in)
		}},
		{"chunk size with LF in the extension", func(string) []string { return []string{"Transfer-Encoding: chunked"} }, func(in string) string {
			return "2;\nxx\r\n0\r\n\r\n" + in
		}},
		{"chunk size too large for 64 bits", func(string) []string { return []string{"Transfer-Encoding: chunked"} }, func(in string) string {
			return "10000000000000000\r\n" + in
		}},
		{"chunk size with an underscore", func(string) []string { return []string{"Transfer-Encoding: chunked"} }, func(in string) string {
			return "0_2\r\nxx\r\n0\r\n\r\n" + in
		}},
		{"chunk longer than told", func(string) []string { return []string{"Transfer-Encoding: chunked"} }, func(in string) string {
			return "2\r\nxx" + in + "\r\n0\r\n\r\n"
		}},
		{"Expect", func(in string) []string { return []string{length(in), "Expect: 100-continue"} }, func(in string) string { return in }},
		{"Connection names the length", func(in string) []string { return []string{length(in), "Connection: Content-Length"} }, func(in string) string { return in }},
		{"Connection names the coding", func(string) []string {
			return []string{"Transfer-Encoding: chunked", "Connection: Transfer-Encoding"}
		}, chunk},
		{"line end in the path", func(string) []string { return nil }, func(in string) string { return in }},
	} {
		var all sync.WaitGroup
		for _, who := range s.outside {
			for _, outer := range []string{"GET /login", "POST /static/style.css", "OPTIONS /favicon.ico"} {
				number++
				in := inner(number)
				all.Go(func() {
					head := outer + " HTTP/1.1\r\nHost: " + s.Address + "\r\n"
					if attack.name == "line end in the path" {
						head = outer + "%0d%0a%20HTTP/1.1%0d%0aHost:x%0d%0a%0d%0aGET%20/files?smuggled=1 HTTP/1.1\r\nHost: " + s.Address + "\r\n"
					}
					got := s.fireRaw(t, head, attack.body(in), append(append(s.cookieLine(who), keepAlive), attack.lines(in)...)...)
					if strings.Contains(got.text, "Opening balance") || strings.Contains(got.text, "X-Ledger-User") {
						t.Errorf("%s: %s, %s:\n%s", who.name, attack.name, outer, got.text)
					}
				})
			}
		}
		all.Wait()
		// The user who comes next on the connections to the app gets his own answer.
		if next := s.fire(t, s.alice, "GET", "/files?next"); next.status != http.StatusOK || len(next.received) != 1 || next.received[0].URI != "/files?next" {
			t.Errorf("%s: the next request got %d %+v", attack.name, next.status, next.received)
		}
	}
	arrived := 0
	for _, received := range s.app.Received() {
		if strings.Contains(received.URI, "smuggled") {
			t.Fatalf("the app was sent what was smuggled: %s %s as %q", received.Method, received.URI, received.Login)
		}
		if received.Path == "/login" || strings.HasPrefix(received.Path, "/static/") {
			arrived++
		}
	}
	if arrived < 20 {
		t.Errorf("only %d outer requests reached the app: the test shows nothing", arrived)
	}
}
