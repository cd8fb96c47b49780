package underway

import "sync"

// SignIns are the requests at the app that may begin or end a session there: logins, whatever a stranger asks for, and
// what users send. An app that allows one session for each account ends the older one at each sign-in; others end
// sessions when an account is locked, when there are too many, or by a forgotten password. The answer to a right login
// is then a page of the account, but when the app is asked afterwards, it says that nobody is signed in. SignIns is
// safe for concurrent use; the zero value holds none.
type SignIns struct {
	mutex sync.Mutex
	// running is how many are at the app, and ended how many were.
	running, ended int
}

// SignIn is one of these requests.
type SignIn struct {
	all   *SignIns
	ended int
}

// Begin notes a request that is about to go to the app. It counts until its End.
func (s *SignIns) Begin() *SignIn {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.running++
	return &SignIn{all: s, ended: s.ended}
}

// Beside reports whether another such request is at the app now, or was there since this one began.
func (s *SignIn) Beside() bool {
	s.all.mutex.Lock()
	defer s.all.mutex.Unlock()
	return s.all.running > 1 || s.all.ended != s.ended
}

// End notes that the request is over. It must be called once.
func (s *SignIn) End() {
	s.all.mutex.Lock()
	defer s.all.mutex.Unlock()
	s.all.running--
	s.all.ended++
}
