package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// story prints in sentences what happens at the demo's gateway, as it happens. It gets the log's lines over loopback,
// like any listener of Caddy's `output net`.
type story struct {
	address  string
	listener net.Listener
	out      io.Writer
	started  chan struct{}
	once     sync.Once
	ended    sync.Once
	done     sync.WaitGroup
	mutex    sync.Mutex
	conns    []net.Conn
}

// listenToStory begins to listen. Nothing is printed before begin.
func listenToStory(ctx context.Context, out io.Writer) (*story, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &story{address: listener.Addr().String(), listener: listener, out: out, started: make(chan struct{})}
	s.done.Go(s.listen)
	return s, nil
}

func (s *story) begin() { s.once.Do(func() { close(s.started) }) }

// close ends the story, and returns when nothing more is printed. It may be called again.
func (s *story) close() {
	s.ended.Do(func() {
		s.begin()
		_ = s.listener.Close()
		s.mutex.Lock()
		for _, conn := range s.conns {
			_ = conn.Close()
		}
		s.mutex.Unlock()
		s.done.Wait()
	})
}

func (s *story) listen() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mutex.Lock()
		s.conns = append(s.conns, conn)
		s.mutex.Unlock()
		s.done.Go(func() { s.read(conn) })
	}
}

func (s *story) read(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	<-s.started
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		var logged loggedLine
		if json.Unmarshal(lines.Bytes(), &logged) != nil {
			continue
		}
		if sentence := logged.sentence(); sentence != "" {
			// If the terminal is gone, go on serving.
			_, _ = fmt.Fprintf(s.out, "  %s  %s\n", time.Now().Format(time.TimeOnly), sentence)
		}
	}
}

// loggedLine is a line of the log, as docs/operations.md describes them.
type loggedLine struct {
	Message string   `json:"msg"`
	User    string   `json:"user"`
	State   string   `json:"state"`
	Method  string   `json:"method"`
	Change  string   `json:"change"`
	Left    int      `json:"left"`
	Cookies []string `json:"cookies"`
}

// sentence says what the line means, to somebody who has never seen one; empty if the line is not worth a sentence.
func (l *loggedLine) sentence() string {
	user := fmt.Sprintf("%.40q", l.User)
	if plain := user[1 : len(user)-1]; plain == l.User {
		user = plain
	}
	switch l.Message {
	case "login accepted by the app":
		if l.State == "verified" {
			return "login accepted: the app knows " + user + ", who owes no second factor"
		}
		return "login accepted: the app knows " + user + "; its cookies are withheld, and the session waits for the second factor"
	case "a login put cookies into custody; they are held on the whole site from now on":
		return "cookies withheld from the browser: " + fmt.Sprintf("%.200q", l.Cookies)
	case "login failed":
		return "login failed: the app knows nobody by that password"
	case "session verified":
		switch l.Method {
		case "trusted":
			return "verified: " + user + ", in a browser that is trusted"
		case "recovery":
			return "verified: " + user + ", by a recovery code"
		}
		return "verified: " + user + ", by a code; requests go to the app with the cookies that were withheld"
	case "fresh code given":
		return "fresh code given: " + user + " may change factors"
	case "code refused":
		return "code refused: it is not " + user + "'s"
	case "too many wrong codes: none is judged for a while", "too many wrong codes: none is judged until an operator acts":
		return "too many wrong codes for " + user + ": none is judged for now"
	case "second factor changed":
		switch l.Change {
		case "added":
			return "second factor set up by " + user
		case "reset":
			return "second factor replaced by " + user
		case "disabled":
			return "two-factor authentication disabled by " + user
		case "recovery_codes":
			return "new recovery codes for " + user
		}
	case "recovery code used":
		return fmt.Sprintf("recovery code used by %s; %d left", user, l.Left)
	case "browser trusted":
		return "browser trusted by " + user
	case "signed out", "signed out by the app":
		return "signed out: " + user
	case "other sessions ended":
		return "all other sessions of " + user + " ended"
	}
	return ""
}
