package gateway

import "sync"

// carriers are the requests under way that took a stranger's cookies to the app, by the token of the session that they
// are of. The zero value is ready for use.
type carriers struct {
	mutex    sync.Mutex
	underWay map[string]map[*stream]struct{}
}

// add is to be called before the session is read for the last time: of a claim of its cookies and a request that
// carries them, either the claim cuts the request or the request finds them gone.
func (c *carriers) add(token string, s *stream) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.underWay == nil {
		c.underWay = make(map[string]map[*stream]struct{})
	}
	if c.underWay[token] == nil {
		c.underWay[token] = make(map[*stream]struct{})
	}
	c.underWay[token][s] = struct{}{}
}

func (c *carriers) remove(token string, s *stream) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if delete(c.underWay[token], s); len(c.underWay[token]) == 0 {
		delete(c.underWay, token)
	}
}

// doubt has the requests that carry the cookies of a session ask whose it is, before anything more of them goes on.
func (c *carriers) doubt(token string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for s := range c.underWay[token] {
		s.stale.Store(true)
	}
}

// cut ends the requests that carry the cookies of a session: nothing more of their answers is sent.
func (c *carriers) cut(token string) {
	c.mutex.Lock()
	cut := c.underWay[token]
	delete(c.underWay, token)
	c.mutex.Unlock()
	for s := range cut {
		s.stop()
	}
}
