package underway

import "sync"

// SignIns are the logins that are at the app. An app that allows one session for each account ends the older one at
// each sign-in. If two logins run at the same time, the older one's answer is a page of the account, but when the app
// is asked whose the session is, it is nobody's. Safe for concurrent use; the zero value has none.
type SignIns struct {
	mutex sync.Mutex
	// running is how many there are, and others how many have ended without being reported as failed.
	running, others int
}

// SignIn is one login.
type SignIn struct {
	all    *SignIns
	others int
	failed bool
}

// Begin notes a login that is about to go to the app, until its End.
func (s *SignIns) Begin() *SignIn {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.running++
	return &SignIn{all: s, others: s.others}
}

// Failed notes that the app knows nobody after the login. It reports whether another login may be the reason: one is at
// the app, or was since this one began and did not fail.
func (s *SignIn) Failed() (besides bool) {
	s.failed = true
	s.all.mutex.Lock()
	defer s.all.mutex.Unlock()
	return s.all.running > 1 || s.all.others != s.others
}

// End must be called once.
func (s *SignIn) End() {
	s.all.mutex.Lock()
	defer s.all.mutex.Unlock()
	s.all.running--
	if !s.failed {
		s.all.others++
	}
}
