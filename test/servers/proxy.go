package servers

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy is the network between a gateway and a server. Safe for concurrent use.
type Proxy struct {
	// Address is the host and port that the gateway uses.
	Address string

	target string
	mutex  sync.Mutex
	state  state
	change chan struct{} // closed when the state changes
	conns  map[net.Conn]struct{}
}

type state struct {
	down  bool
	hung  bool
	deaf  bool
	delay time.Duration
}

// NewProxy puts a network in front of the server at target.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Address: listener.Addr().String(), target: target, change: make(chan struct{}), conns: make(map[net.Conn]struct{})}
	t.Cleanup(func() {
		_ = listener.Close()
		p.Down()
	})
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	return p
}

// Up lets everything through.
func (p *Proxy) Up() { p.set(state{}) }

// Down closes all connections, and new ones at once.
func (p *Proxy) Down() {
	p.set(state{down: true})
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for conn := range p.conns {
		_ = conn.Close()
	}
}

// Hang passes nothing on, and keeps connections open.
func (p *Proxy) Hang() { p.set(state{hung: true}) }

// Deafen passes on what the gateway sends, and holds the answers back.
func (p *Proxy) Deafen() { p.set(state{deaf: true}) }

// Slow delays each piece that the gateway sends.
func (p *Proxy) Slow(delay time.Duration) { p.set(state{delay: delay}) }

func (p *Proxy) set(s state) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.state = s
	close(p.change)
	p.change = make(chan struct{})
}

func (p *Proxy) now() (state, <-chan struct{}) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.state, p.change
}

func (p *Proxy) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if s, _ := p.now(); s.down {
		return
	}
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.target)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	p.mutex.Lock()
	p.conns[conn], p.conns[server] = struct{}{}, struct{}{}
	p.mutex.Unlock()
	defer func() {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		delete(p.conns, conn)
		delete(p.conns, server)
	}()
	var both sync.WaitGroup
	both.Go(func() { p.copy(server, conn, false) })
	both.Go(func() { p.copy(conn, server, true) })
	both.Wait()
}

// copy copies one direction until it ends, and then ends the other.
func (p *Proxy) copy(to, from net.Conn, answers bool) {
	defer func() {
		_ = to.Close()
		_ = from.Close()
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			for s, changed := p.now(); s.hung || s.deaf && answers; s, changed = p.now() {
				<-changed
			}
			s, changed := p.now()
			if !answers && s.delay > 0 {
				select {
				case <-time.After(s.delay):
				case <-changed:
				}
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
