package gateway

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// TestP6_RoomForLargeForms: an app takes more than its login at one address. There a stranger sends forms of a mebibyte
// each, except for their ends, on as many connections as she likes. Each form was kept in memory for as long as she
// liked. Now others can sign in meanwhile, and users can send large forms.
func TestP6_RoomForLargeForms(t *testing.T) {
	s := newSite(t, demo.Knobs{NoFormToken: true}, func(c *Config) {
		c.Logins = login.Set{
			Blocks: []login.Block{{
				Paths: match.NewGlobs("/login"), When: []login.Condition{{Kind: login.Form, Name: "do", Value: "login"}},
				Username: login.Source{Kind: login.Form, Name: "username"},
			}},
			Identities: []login.Identity{{Path: "/api/me", Kind: login.JSON, Pointer: "/login"}},
		}
	})
	address, _ := url.Parse(s.server.URL)
	form := "do=preview&text=" + strings.Repeat("x", 100<<10)
	begin := func(cookie string) net.Conn {
		conn, err := net.Dial("tcp", address.Host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		fmt.Fprintf(conn, "POST /login HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", address.Host, cookie, asForm, len(form)+1, form)
		return conn
	}
	status := func(conn net.Conn) int {
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	var held []net.Conn
	for range underway.RoomOfOne {
		held = append(held, begin(""))
	}
	room := &s.gateway.site.Room
	eventually(t, "all are being read", func() bool { return room.Count() == underway.RoomOfOne })
	if got := status(begin("")); got != http.StatusTooManyRequests {
		t.Errorf("one more: %d", got)
	}
	bob := s.browser()
	bob.do("POST", "/login", asForm, "do=login&username=bob&password="+demo.BobPassword).wants(t, http.StatusSeeOther, "/")
	conn := begin(bob.client.Jar.Cookies(address)[0].String())
	if _, err := conn.Write([]byte("x")); err != nil || status(conn) == http.StatusTooManyRequests {
		t.Error("a user's large form is refused")
	}
	for _, conn := range held {
		if _, err := conn.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if got := status(conn); got == http.StatusTooManyRequests {
			t.Error("the control: a large form for which there was room is refused")
		}
	}
	eventually(t, "there is room again", func() bool { return room.Count() == 0 })
}
