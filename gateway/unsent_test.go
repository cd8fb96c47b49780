package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
)

// TestFormAfterTheEnd: the session expires while its user fills in a form. The browser was led to the login page
// without a word, and its user believed that the form was sent. Now she is told that it was not, and the app gets
// nothing of it. Nothing changes for what another site's page sends, or for what a stranger does.
func TestFormAfterTheEnd(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	b := s.browser()
	b.signIn("bob", demo.BobPassword)
	if got := b.post("/files", url.Values{"a": {"b"}}); got.StatusCode == http.StatusSeeOther || got.StatusCode == http.StatusForbidden {
		t.Fatalf("the control: %d", got.StatusCode)
	}
	s.clock.Advance(2 * time.Hour)
	got := b.post("/files", url.Values{"a": {"b"}})
	if got.StatusCode != http.StatusForbidden || !strings.Contains(got.body, "Your form was not sent") || !strings.Contains(got.body, `href="/login" target="_blank"`) {
		t.Errorf("after the end: %d %.300s", got.StatusCode, got.body)
	}
	b.get("/files").wants(t, http.StatusSeeOther, "/login")
	if got := b.do("POST", "/files", "application/json", "{}"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("by script: %d", got.StatusCode)
	}
	s.browser().post("/files", nil).wants(t, http.StatusSeeOther, "/login")
	request, err := http.NewRequestWithContext(t.Context(), "POST", s.server.URL+"/files", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Accept": {"text/html"}, "Sec-Fetch-Site": {"cross-site"}}
	response, err := b.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		t.Errorf("another site's: %d", response.StatusCode)
	}
}

// TestLargeUploadOfStrangers: a user who is signed out without knowing it sends a large form. The gateway answered, and
// closed the connection while the rest was still to come, so the browser said that the connection was reset.
func TestLargeUploadOfStrangers(t *testing.T) {
	s := newSite(t, demo.Knobs{}, nil)
	reached := false
	s.serve(func(http.ResponseWriter, *http.Request) error { reached = true; return nil })
	// As browsers do, it sends everything before it reads anything.
	send := func(length int64, chunked bool) (int, error) {
		t.Helper()
		conn, err := net.Dial("tcp", s.server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		frame := fmt.Sprintf("Content-Length: %d\r\n", length)
		if chunked {
			frame = "Transfer-Encoding: chunked\r\n"
		}
		fmt.Fprintf(conn, "POST /files HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\nContent-Type: multipart/form-data; boundary=x\r\n%s\r\n", frame)
		piece := strings.Repeat("x", 1<<20)
		for sent := int64(0); sent < length; sent += int64(len(piece)) {
			if chunked {
				_, err = fmt.Fprintf(conn, "%x\r\n%s\r\n", len(piece), piece)
			} else {
				_, err = io.WriteString(conn, piece)
			}
			if err != nil {
				return 0, err
			}
		}
		if chunked {
			_, _ = io.WriteString(conn, "0\r\n\r\n")
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return 0, err
		}
		_ = response.Body.Close()
		return response.StatusCode, nil
	}
	for range 5 {
		for _, chunked := range []bool{false, true} {
			if status, err := send(60<<20, chunked); err != nil || status != http.StatusSeeOther {
				t.Fatalf("chunked %t: %d %v", chunked, status, err)
			}
		}
	}
	if reached {
		t.Error("the app was reached")
	}
}
