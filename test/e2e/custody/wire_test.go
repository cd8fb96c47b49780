package custody

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/test/site"
)

// line is a test's own connection, for requests that libraries would complete.
type line struct {
	t    *testing.T
	conn *net.TCPConn
	in   *bufio.Reader
}

func dial(t *testing.T, s *site.Site) *line {
	t.Helper()
	conn, err := net.DialTimeout("tcp", s.Address, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return &line{t: t, conn: conn.(*net.TCPConn), in: bufio.NewReader(conn)}
}

// say sends a request with a session's cookie; the body is a form's.
func (l *line) say(s *site.Site, cookie, method, target, body string, more ...string) {
	l.t.Helper()
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nAccept: text/html\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Test\r\n", method, target, s.Address)
	if cookie != "" {
		head += "Cookie: " + cookie + "\r\n"
	}
	if body != "" {
		head += fmt.Sprintf("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n", len(body))
	}
	for _, line := range more {
		head += line + "\r\n"
	}
	if _, err := io.WriteString(l.conn, head+"\r\n"+body); err != nil {
		l.t.Fatal(err)
	}
}

// halfClose says that nothing more comes. The other half stays open for reading.
func (l *line) halfClose() {
	l.t.Helper()
	if err := l.conn.CloseWrite(); err != nil {
		l.t.Fatal(err)
	}
}

// rest returns everything that comes until the other side closes.
func (l *line) rest() string {
	text, _ := io.ReadAll(l.in) // a connection that is reset has said everything
	return string(text)
}

// gates stop some pages of an office after they have done their work, until a test opens them: then their answers are
// on the way. left gets each request whose client leaves meanwhile.
type gates struct {
	arrived, open, left chan struct{}
	// stays: the office's own client stays, even if the client behind it leaves.
	stays bool
}

func newGates(t *testing.T) *gates {
	g := &gates{arrived: make(chan struct{}, 64), open: make(chan struct{}, 64), left: make(chan struct{}, 64)}
	t.Cleanup(func() { close(g.open) })
	return g
}

// pass is called in the office.
func (g *gates) pass(v *visit) {
	g.arrived <- struct{}{}
	select {
	case <-g.open:
	case <-v.r.Context().Done():
		g.left <- struct{}{}
		<-g.open
	}
}

// wait returns when a request waits at the gate.
func (g *gates) wait(t *testing.T) {
	t.Helper()
	select {
	case <-g.arrived:
	case <-time.After(30 * time.Second):
		t.Fatal("no request came to the gate")
	}
}

// gone returns when the client of the request at the gate has gone.
func (g *gates) gone(t *testing.T) {
	t.Helper()
	select {
	case <-g.left:
	case <-time.After(30 * time.Second):
		t.Fatal("nobody left")
	}
}

func (g *gates) let() { g.open <- struct{}{} }

// until polls.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 seconds: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func newReader(text string) *bufio.Reader { return bufio.NewReader(strings.NewReader(text)) }

// sessionIn returns the office's session that an answer gives out, and tokenIn the gateway's.
func sessionIn(a site.Answer) string { return cookieIn(a, sid) }

func tokenIn(a site.Answer) string { return cookieIn(a, "sallyport") }

func cookieIn(a site.Answer, name string) string {
	value := ""
	for _, cookie := range a.Cookies() {
		if cookie.Name == name {
			value = cookie.Value
		}
	}
	return value
}
