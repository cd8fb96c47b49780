package demo

import (
	"crypto/rand"
	"sync"
	"time"
)

const (
	// signedInFor and strangerFor are how long a session lasts.
	signedInFor = 12 * time.Hour
	strangerFor = time.Hour
	// valuesKept is how many cookie values of one session stay valid with Knobs.Rotate.
	valuesKept = 16
	// sessionLimit bounds the memory that strangers can fill.
	sessionLimit = 100_000
)

// session is a session of one browser. All access is under the lock of sessions.
type session struct {
	ids     []string // the newest last
	login   string   // empty: a stranger's
	admin   string   // the account of the second realm (Knobs.Realms), likewise
	bound   string   // the value to which Knobs.Binds binds it
	form    string   // the form token
	expires time.Time
}

// visitor is what a request's credentials say about its sender: a copy, safe to use without a lock.
type visitor struct {
	id    string // the session's value, empty if there is none
	login string // the account, empty for a stranger
	admin string // the account of the second realm
	bound string // the value to which the session is bound
	form  string // the session's form token
}

type sessions struct {
	now  func() time.Time
	mu   sync.Mutex
	byID map[string]*session
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, byID: map[string]*session{}}
}

// find looks a cookie's value up.
func (ss *sessions) find(id string) (visitor, bool) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s := ss.live(id)
	if s == nil {
		return visitor{}, false
	}
	return visitor{id: id, login: s.login, admin: s.admin, bound: s.bound, form: s.form}, true
}

// live returns a session, nil if it is unknown or has expired. The caller holds the lock.
func (ss *sessions) live(id string) *session {
	s := ss.byID[id]
	if s != nil && ss.now().After(s.expires) {
		ss.drop(s)
		return nil
	}
	return s
}

func (ss *sessions) drop(s *session) {
	for _, id := range s.ids {
		delete(ss.byID, id)
	}
}

// create starts a session; an empty login makes a stranger's.
func (ss *sessions) create(login string) visitor {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if len(ss.byID) >= sessionLimit {
		ss.makeRoom()
	}
	s := &session{ids: []string{rand.Text()}, login: login, form: rand.Text(), expires: ss.now().Add(signedInFor)}
	if login == "" {
		s.expires = ss.now().Add(strangerFor)
	}
	ss.byID[s.ids[0]] = s
	return visitor{id: s.ids[0], login: login, form: s.form}
}

// makeRoom removes expired sessions, and then strangers' until a tenth of the room is free, so that it is not needed
// each time.
func (ss *sessions) makeRoom() {
	for _, s := range ss.byID {
		if ss.now().After(s.expires) {
			ss.drop(s)
		}
	}
	for _, s := range ss.byID {
		if len(ss.byID) < sessionLimit*9/10 {
			return
		}
		if s.login == "" {
			ss.drop(s)
		}
	}
}

// end makes all values of a session invalid.
func (ss *sessions) end(id string) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if s := ss.byID[id]; s != nil {
		ss.drop(s)
	}
}

// set changes a session's account of the second realm, and the value to which it is bound.
func (ss *sessions) set(id, admin, bound string) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if s := ss.live(id); s != nil {
		s.admin, s.bound = admin, bound
	}
}

// elevate signs a session in without changing its value.
func (ss *sessions) elevate(id, login string) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s := ss.live(id)
	if s == nil {
		return false
	}
	s.login, s.expires = login, ss.now().Add(signedInFor)
	return true
}

// rotate gives a session one more value.
func (ss *sessions) rotate(id string) (string, bool) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s := ss.live(id)
	if s == nil {
		return "", false
	}
	fresh := rand.Text()
	s.ids = append(s.ids, fresh)
	ss.byID[fresh] = s
	if len(s.ids) > valuesKept {
		delete(ss.byID, s.ids[0])
		s.ids = append([]string(nil), s.ids[1:]...)
	}
	return fresh, true
}

// of returns each session of an account once. The caller holds the lock.
func (ss *sessions) of(login string) []*session {
	var found []*session
	for id, s := range ss.byID {
		if s.login == login && id == s.ids[0] {
			found = append(found, s)
		}
	}
	return found
}

func (ss *sessions) switchAll(from, to string) int {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	found := ss.of(from)
	for _, s := range found {
		s.login = to
	}
	return len(found)
}

func (ss *sessions) endAll(login string) int {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	found := ss.of(login)
	for _, s := range found {
		ss.drop(s)
	}
	return len(found)
}
