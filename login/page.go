package login

import (
	"net/http"

	"sallyport/match"
)

// IsEntry tells whether r asks for a login page, which a stranger may see: GET or HEAD, without a body, on a login path in
// its canonical spelling, where the block's query conditions hold. Blocks that look into bodies have no page of their own,
// nor have blocks whose login is itself a GET. A query that carries a user name is no request for a page: some apps sign in
// by it. Nor is a request to upgrade: some apps sign in by messages inside a WebSocket.
func (s *Set) IsEntry(r *http.Request, path match.Path) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || !path.Canonical {
		return false
	}
	var x *examination
	plan := s.plan()
	for i := range plan {
		b, c := &s.Blocks[i], &plan[i]
		if c.standing || c.examines || !b.Paths.Match(path.Text) || methodSpelling(c.methods, r.Method) != other {
			continue
		}
		if r.Body != nil && r.Body != http.NoBody || len(r.Header["Upgrade"]) > 0 {
			return false
		}
		if r.URL.RawQuery == "" && len(b.When) == 0 {
			return true
		}
		if len(r.URL.RawQuery) > BodyLimit {
			return false
		}
		if x == nil {
			x = &examination{request: r}
		}
		if holds, _ := x.conditions(b, c); holds == yes && len(x.queryHits(c.name)) == 0 {
			return true
		}
	}
	return false
}
