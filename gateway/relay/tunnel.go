package relay

import (
	"errors"
	"net"
	"sync/atomic"
	"time"

	"sallyport.example/sallyport/gateway/underway"
)

// tunnel is a connection that a handler has taken over, for example for a WebSocket. What the browser sends counts as
// use of the session. What the app sends does not, because it also sends if nobody is there.
type tunnel struct {
	net.Conn
	stream *stream
	// impatient says that a direction has waited for a request that is still at the app. It is atomic, because servers
	// that shut down write too.
	impatient struct{ read, write atomic.Bool }
	// raises: the handshake may sign somebody in, perhaps some time after the app has answered it. opened is when the
	// app answered, and due is how many nanoseconds after that the app has to be asked next.
	raises bool
	opened time.Time
	due    atomic.Int64
}

// carry watches a connection. It returns errSessionEnded if the session has already ended. raises says that the request
// that opened the connection may sign somebody in.
func (s *stream) carry(conn net.Conn, raises bool) (net.Conn, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.watcher == nil {
		return conn, nil // a stranger's tunnel on a public path
	}
	if s.over {
		_ = conn.Close()
		return nil, errSessionEnded
	}
	s.tunnel = &tunnel{Conn: conn, stream: s, raises: raises, opened: s.site.Config.Now()}
	return s.tunnel, nil
}

// Read notes that the browser has used the session. While a request that may raise the session is at the app, what the
// browser sends waits, like another request.
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

// Write sends what the app says. It waits as Read does, because the data may be meant for somebody else whom a request
// signs in at that moment.
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
	asks := t.asks()
	if disturbed || asks || s.stale.Load() {
		return s.midway.confirms(disturbed || asks)
	}
	return !s.cut.Load() // the wait may have ended with a cut
}

// asks reports whether the app has to be asked about a piece, because the handshake may sign somebody in. It is asked
// about each piece for as long as others would wait for such a request. After that it is asked whenever the time since
// the handshake has doubled, so that a sign-in is found in at most twice the time that the app took for it.
func (t *tunnel) asks() bool {
	if !t.raises {
		return false
	}
	elapsed := t.stream.site.Config.Now().Sub(t.opened)
	if elapsed < underway.OpenPatience {
		return true
	}
	due := t.due.Load()
	return int64(elapsed) >= due && t.due.CompareAndSwap(due, int64(2*elapsed))
}

// CloseWrite closes the write direction only, which proxies do if they can.
func (t *tunnel) CloseWrite() error {
	if half, ok := t.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Close also ends the watch.
func (t *tunnel) Close() error {
	err := t.Conn.Close()
	t.stream.mutex.Lock()
	defer t.stream.mutex.Unlock()
	t.stream.finish()
	return err
}
