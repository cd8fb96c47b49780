package relay

import (
	"errors"
	"net"
	"sync/atomic"
	"time"

	"sallyport.example/sallyport/gateway/underway"
)

// tunnel is a connection that a handler has taken over, as it does for a WebSocket. What the browser sends through it
// is use of the session; what the app sends is not, for it may send to an empty chair.
type tunnel struct {
	net.Conn
	stream *stream
	// impatient says that a direction has waited for a request that is at the app still. Servers that shut down write
	// as well.
	impatient struct{ read, write atomic.Bool }
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

// Read notes that the browser made use of the session. What it sends while another request is at the app that may raise
// the session waits, as another request would.
func (t *tunnel) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	if n == 0 {
		return n, err
	}
	t.stream.used.Store(true)
	if !t.mayGoOn(underway.RaisePatience, &t.impatient.read) {
		return 0, errSessionEnded
	}
	return n, err
}

// Write sends what the app says. It may be for somebody else whom a request signs in at this moment, and waits
// likewise.
func (t *tunnel) Write(p []byte) (int, error) {
	if !t.mayGoOn(underway.PagePatience, &t.impatient.write) {
		return 0, errSessionEnded
	}
	return t.Conn.Write(p)
}

// mayGoOn is mayGoOut for one direction of a tunnel.
func (t *tunnel) mayGoOn(patience time.Duration, impatient *atomic.Bool) bool {
	s := t.stream
	if s.cut.Load() {
		return false
	}
	if s.midway == nil {
		return true
	}
	s.mutex.Lock()
	token := s.token
	s.mutex.Unlock()
	if impatient.Load() {
		patience = 0
	}
	disturbed := !s.site.Raising.Undisturbed(token, patience, s.ending.Done) || !s.undisturbedElsewhere(patience)
	impatient.Store(disturbed)
	if disturbed || s.stale.Load() {
		return s.midway.confirms(disturbed)
	}
	return !s.cut.Load() // also by what it waited for
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
