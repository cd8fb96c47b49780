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

// Read notes that the browser made use of the session.
func (t *tunnel) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	if n > 0 {
		t.stream.used.Store(true)
	}
	return n, err
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
