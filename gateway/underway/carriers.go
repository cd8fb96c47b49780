package underway

import "sync"

// Carrier is a request that takes the cookies of a session to the app.
type Carrier interface {
	// Doubt has the request ask whose the session is, before anything more of it goes on.
	Doubt()
	// Stop ends it: nothing more of its answer is sent.
	Stop()
}

// Carriers are the requests under way that took a stranger's cookies to the app, by the token of the session that they
// are of. The zero value is ready for use.
type Carriers struct {
	mutex    sync.Mutex
	underWay map[string]map[Carrier]struct{}
}

// Add is to be called before the session is read for the last time: of a claim of its cookies and a request that
// carries them, either the claim cuts the request or the request finds them gone.
func (c *Carriers) Add(token string, one Carrier) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.underWay == nil {
		c.underWay = make(map[string]map[Carrier]struct{})
	}
	if c.underWay[token] == nil {
		c.underWay[token] = make(map[Carrier]struct{})
	}
	c.underWay[token][one] = struct{}{}
}

// Remove says that the request is over, or that it belongs to another session by now.
func (c *Carriers) Remove(token string, one Carrier) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if delete(c.underWay[token], one); len(c.underWay[token]) == 0 {
		delete(c.underWay, token)
	}
}

// Doubt has the requests that carry the cookies of a session ask whose it is, before anything more of them goes on.
func (c *Carriers) Doubt(token string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for one := range c.underWay[token] {
		one.Doubt()
	}
}

// Cut ends the requests that carry the cookies of a session: nothing more of their answers is sent.
func (c *Carriers) Cut(token string) {
	c.mutex.Lock()
	cut := c.underWay[token]
	delete(c.underWay, token)
	c.mutex.Unlock()
	for one := range cut {
		one.Stop()
	}
}
