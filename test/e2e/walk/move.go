package walk

import (
	"fmt"
	"strings"
)

// Kind is what a move does.
type Kind string

// The moves. Each is possible without any of the others, so that a sequence can be shortened.
const (
	// Send sends a request.
	Send Kind = "send"
	// SignIn signs in by the usual door with an account of the attacker's own, as What says, and proves its factor.
	SignIn Kind = "sign in"
	// Code answers the challenge with a code of the attacker's own factor, and Recovery with a recovery code.
	Code     Kind = "code"
	Recovery Kind = "recovery"
	// SetUp sets up a factor in a session that asks for one.
	SetUp Kind = "set up"
	// Leave signs out at the gateway.
	Leave Kind = "leave"
	// Copy gives one browser the cookies of another: the gateway's, or the app's.
	Copy Kind = "copy"
	// Replay makes a browser use an earlier token of its own again.
	Replay Kind = "replay"
	// Look requests all pages of the target, and the answer at /resume.
	Look Kind = "look"
)

// Trick is an odd way to send a request.
type Trick string

// The tricks.
const (
	// Half shuts the writing side of the connection down after the request, Drop closes the connection after the
	// request, and Head after the head of the answer.
	Half Trick = "half-closed"
	Drop Trick = "dropped"
	Head Trick = "dropped after the head"
	// Hold sends the body's last byte only after the next move, and Slow does not wait for the answer before that.
	Hold Trick = "body held"
	Slow Trick = "not awaited"
	// Live makes the answer go on while the next move is made (tap.Live). Its cookies are taken as soon as they come.
	Live Trick = "goes on"
	// Twice sends the request twice at the same time.
	Twice Trick = "twice"
	// Second sends the request over HTTP/2, if the site speaks that.
	Second Trick = "HTTP/2"
	// Socket asks for a WebSocket.
	Socket Trick = "WebSocket"
	// Elsewhere sends the request as a page of another site would, without the browser's cookies.
	Elsewhere Trick = "from another site"
)

// Move is one thing that the attacker does with one of her browsers.
type Move struct {
	Kind   Kind
	Client int

	// For a request: Header has its lines, and Token the page where a form token is fetched first, which replaces
	// {token} in the body.
	Method, Target, Body string
	Header               []string
	Chunked              bool
	Token                string
	Trick                Trick
	// Right is the usual name of the account whose right password the request has.
	Right string

	// From is the browser whose cookies are copied; What says which, or the page that a code is sent to.
	From int
	What string
}

// Sequence is a list of moves that begins with fresh browsers.
type Sequence struct {
	// Habit are header lines that go with every request.
	Habit []string
	Moves []Move
}

// String returns the sequence for a report.
func (s Sequence) String() string {
	var text strings.Builder
	if len(s.Habit) > 0 {
		fmt.Fprintf(&text, "  every request: %s\n", strings.Join(s.Habit, " | "))
	}
	for i, move := range s.Moves {
		fmt.Fprintf(&text, "  %d. browser %d: %s\n", i+1, move.Client, move)
	}
	return text.String()
}

// String returns the move for a report.
func (m Move) String() string {
	switch m.Kind {
	case Send:
		text := m.Method + " " + m.Target
		for _, line := range m.Header {
			text += " | " + line
		}
		if m.Body != "" {
			text += " | " + strings.NewReplacer("\r\n", "⏎").Replace(m.Body)
			if m.Chunked {
				text += " (chunked)"
			}
		}
		if m.Trick != "" {
			text += " (" + string(m.Trick) + ")"
		}
		return text
	case SignIn:
		return "signs in as " + m.What
	case Copy:
		return fmt.Sprintf("takes %s cookies of browser %d", m.What, m.From)
	case Touch, Text:
		return fmt.Sprintf("%s, asked for in browser %d", m.Kind, m.From)
	case Code, Recovery:
		return strings.TrimSpace(string(m.Kind) + " of her own factor " + m.What)
	}
	return string(m.Kind)
}

// shape returns the sequence without the differences between two equivalent ones.
func (s Sequence) shape() string {
	var parts []string
	for _, line := range s.Habit {
		parts = append(parts, "every "+line)
	}
	for _, move := range s.Moves {
		path, _, _ := strings.Cut(move.Target, "?")
		parts = append(parts, fmt.Sprint(move.Kind, " ", move.Method, " ", path, " ", move.Trick))
	}
	return strings.Join(parts, "; ")
}
