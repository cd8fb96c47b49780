package front

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"sallyport.example/sallyport/test/devvault/fault"
)

// ErrNotLoopback says that an address would be reachable from other machines.
var ErrNotLoopback = errors.New("not a loopback address")

// Listener serves HTTP on one loopback port, and can close it with all connections and open it again. Its methods may
// be called concurrently.
type Listener struct {
	address string
	tls     *tls.Config // nil: plain HTTP
	errors  *log.Logger

	mutex   sync.Mutex
	bound   net.Listener // until Serve
	handler http.Handler
	server  *http.Server // nil while down
	closed  bool
}

// Listen takes a port, such as 127.0.0.1:0 for any, without answering yet: connections wait until Serve. tls is nil for
// plain HTTP. Errors of single connections are written to errors.
func Listen(address string, tls *tls.Config, errors *log.Logger) (*Listener, error) {
	bound, err := listenLoopback(address)
	if err != nil {
		return nil, err
	}
	return &Listener{address: bound.Addr().String(), tls: tls, errors: errors, bound: bound}, nil
}

// listenLoopback listens on a loopback port, which no other machine can reach.
func listenLoopback(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("listening on %q: %w", address, ErrNotLoopback)
	}
	return new(net.ListenConfig).Listen(context.Background(), "tcp", address)
}

// URL returns the address for clients, with its scheme. It stays the same while the listener is down.
func (l *Listener) URL() string {
	if l.tls != nil {
		return "https://" + l.address
	}
	return "http://" + l.address
}

// Serve begins to answer with the handler. It does not block.
func (l *Listener) Serve(handler http.Handler) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.handler = handler
	l.start(l.bound)
	l.bound = nil
}

// start serves a bound port. The caller holds the mutex.
func (l *Listener) start(bound net.Listener) {
	server := &http.Server{
		Handler:           l.handler,
		ConnContext:       fault.ConnContext,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       5 * time.Minute,
		ErrorLog:          l.errors,
	}
	l.server = server
	if l.tls != nil {
		// The certificate comes from the configuration's GetCertificate; HTTP/2 is offered as Vault itself does.
		server.TLSConfig = l.tls.Clone()
		go func() { _ = server.ServeTLS(bound, "", "") }()
		return
	}
	go func() { _ = server.Serve(bound) }()
}

// Down closes the port and all its connections, at once. Down twice is no error.
func (l *Listener) Down() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.server == nil {
		return nil
	}
	err := l.server.Close()
	l.server = nil
	return err
}

// Up opens the same port again. Up twice is no error. Another program may use the port for a moment, for an outgoing
// connection, so Up tries for some seconds.
func (l *Listener) Up() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.closed || l.handler == nil {
		return net.ErrClosed
	}
	if l.server != nil {
		return nil
	}
	var bound net.Listener
	var err error
	for range 100 {
		if bound, err = listenLoopback(l.address); err == nil {
			l.start(bound)
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

// Close ends the listener for good.
func (l *Listener) Close() error {
	l.mutex.Lock()
	l.closed = true
	bound := l.bound
	l.mutex.Unlock()
	if bound != nil {
		_ = bound.Close()
	}
	return l.Down()
}
