package gateway

import (
	"errors"
	"net"
)

// tunnel is a connection that a handler has taken over, as it does for a WebSocket. What the browser sends through it is use of
// the session; what the app sends is not, for it may send to an empty chair.
type tunnel struct {
	net.Conn
	stream *stream
}

// carry puts a connection under watch; errSessionEnded where that comes too late.
func (s *stream) carry(conn net.Conn) (net.Conn, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.watcher == nil {
		return conn, nil // a stranger's, on a public path
	}
	if s.over {
		_ = conn.Close()
		return nil, errSessionEnded
	}
	s.tunnel = &tunnel{Conn: conn, stream: s}
	return s.tunnel, nil
}

// Read notes that the browser made use of the session. What it sends while another request is at the app that may raise the session
// waits until that is settled.
func (t *tunnel) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	if n == 0 {
		return n, err
	}
	t.stream.used.Store(true)
	if !t.stream.undisturbed() {
		return 0, errSessionEnded
	}
	return n, err
}

// Write sends what the app says, and waits likewise: what it says meanwhile may be for somebody else.
func (t *tunnel) Write(p []byte) (int, error) {
	if !t.stream.undisturbed() {
		return 0, errSessionEnded
	}
	return t.Conn.Write(p)
}

// undisturbed waits until no request is at the app that may raise the session. It reports whether the session goes on; where such a
// request takes too long, it is cut.
func (s *stream) undisturbed() bool {
	if s.raising != nil {
		s.mutex.Lock()
		token := s.token
		s.mutex.Unlock()
		if !s.raising.undisturbed(token, s.ending.Done()) {
			s.giveWay()
		}
	}
	return !s.cut.Load()
}

// CloseWrite ends one direction only, which proxies do where they can.
func (t *tunnel) CloseWrite() error {
	if half, ok := t.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Close ends the watch as well.
func (t *tunnel) Close() error {
	err := t.Conn.Close()
	t.stream.mutex.Lock()
	defer t.stream.mutex.Unlock()
	t.stream.finish()
	return err
}
