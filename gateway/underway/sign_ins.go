package underway

import "sync"

// SignIns are the logins that are at the app. An app that allows one session for each account ends the older session at
// each sign-in. If two logins run at the same time, the answer to the older one is a page of the account, but when the
// app is asked afterwards, it says that nobody is signed in with that session. SignIns is safe for concurrent use; the
// zero value holds none.
type SignIns struct {
	mutex sync.Mutex
	// running is how many are at the app, and others how many have ended without being reported as failed.
	running, others int
}

// SignIn is one login.
type SignIn struct {
	all    *SignIns
	others int
	failed bool
}

// Begin notes a login that is about to go to the app. It counts until its End.
func (s *SignIns) Begin() *SignIn {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.running++
	return &SignIn{all: s, others: s.others}
}

// Failed notes that the app knows nobody after this login. It reports whether another login may be the reason: one that
// is at the app now, or that was there since this one began and did not fail.
func (s *SignIn) Failed() (besides bool) {
	s.failed = true
	s.all.mutex.Lock()
	defer s.all.mutex.Unlock()
	return s.all.running > 1 || s.all.others != s.others
}

// End notes that the login is over. It must be called once.
func (s *SignIn) End() {
	s.all.mutex.Lock()
	defer s.all.mutex.Unlock()
	s.all.running--
	if !s.failed {
		s.all.others++
	}
}
