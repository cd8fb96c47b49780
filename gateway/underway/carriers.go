package underway

import "sync"

// Carrier is a request that takes the cookies of a session to the app.
type Carrier interface {
	// Doubt makes the request ask the app whose the session is before it sends more of its answer.
	Doubt()
	// Stop ends the request: no more of its answer is sent.
	Stop()
}

// Carriers are the requests under way that took a stranger's cookies to the app, by the token of their session. The
// zero value is ready for use.
type Carriers struct {
	mutex    sync.Mutex
	underWay map[string]map[Carrier]struct{}
}

// Add has to be called before the request reads the session for the last time. Then a login that claims the cookies
// either cuts the request, or the request finds that the cookies are gone.
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

// Remove is called when the request is over or belongs to another session.
func (c *Carriers) Remove(token string, one Carrier) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if delete(c.underWay[token], one); len(c.underWay[token]) == 0 {
		delete(c.underWay, token)
	}
}

// Doubt makes the requests that carry a session's cookies ask the app whose the session is before they send more of
// their answers.
func (c *Carriers) Doubt(token string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for one := range c.underWay[token] {
		one.Doubt()
	}
}

// Cut ends the requests that carry a session's cookies: no more of their answers is sent.
func (c *Carriers) Cut(token string) {
	c.mutex.Lock()
	cut := c.underWay[token]
	delete(c.underWay, token)
	c.mutex.Unlock()
	for one := range cut {
		one.Stop()
	}
}
