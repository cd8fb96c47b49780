package signin

import (
	"crypto/sha256"
	"sync"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/session"
)

// together are the requests of one browser that bring the same password at the same time and have no session yet, as a
// page has many. The first one begins a session, and the others take part in that: with one of their own each, the form
// of the challenge would belong to another session than the cookie that came last.
//
// Nobody gets more by it than the password is good for. The session waits for its factor, and gets another token when
// that is proved; then whoever took part has none.
type together struct {
	mutex sync.Mutex
	first map[[sha256.Size]byte]*beginning
}

// beginning is a session that a request is about to begin.
type beginning struct {
	// done is closed when it is over; token is the session's, if it has begun and a factor is owed.
	done  chan struct{}
	token string
}

// join returns the beginning that the others wait for. first is the request that has to end it.
func (t *together) join(key [sha256.Size]byte) (b *beginning, first bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if b = t.first[key]; b != nil {
		return b, false
	}
	if t.first == nil {
		t.first = make(map[[sha256.Size]byte]*beginning)
	}
	b = &beginning{done: make(chan struct{})}
	t.first[key] = b
	return b, true
}

func (t *together) end(key [sha256.Size]byte, b *beginning, token string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	delete(t.first, key)
	b.token = token
	close(b.done)
}

// beginTogether has the request wait for one of the same browser that brings the same password, and take part in its
// session. end, if there is one, is to be called when this one's password was judged; where it is nil, took says that
// the request has a session now.
func beginTogether(x *Exchange, line string) (end func(), took bool) {
	if x.State() != gate.Anonymous {
		return func() {}, false
	}
	key := sha256.Sum256([]byte(x.Client(x.R) + "\x00" + x.R.UserAgent() + "\x00" + x.R.Host + "\x00" + line))
	all := &x.site.together
	b, first := all.join(key)
	if first {
		return func() {
			token := ""
			if state := x.State(); state == gate.Pending || state == gate.Enrolling {
				token = x.Token
			}
			all.end(key, b, token)
		}, false
	}
	select {
	case <-b.done:
	case <-x.R.Context().Done():
		return func() {}, false
	}
	if b.token == "" || !exchange.TakePart(&x.Exchange.Exchange, b.token, func(data *session.Data) bool { return data.Bonds.Basic(line) }) {
		return func() {}, false
	}
	return nil, true
}
