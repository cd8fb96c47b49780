package signin

import (
	"strings"
	"sync"

	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/session"
)

// homes are the addresses to which the app's logins lead again and again, whatever page the user had asked for: the app
// does not know that page, because the gateway answered the request for it. Only where a browser goes on depends on
// homes.
type homes struct {
	mutex sync.Mutex
	seen  map[string]int
}

const (
	// usual is how often logins have to lead to an address until it counts as one of the app's homes.
	usual = 3
	// mostHomes is how many addresses are counted.
	mostHomes = 16
)

// has reports whether the address is one of the homes.
func (h *homes) has(target string) bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.seen[target] >= usual
}

// LedTo notes where the app's login led a user who has fully signed in. What follows a password alone is not noted.
func (x *Exchange) LedTo(target string) { x.site.homes.note(target) }

// note counts where a login leads.
func (h *homes) note(target string) {
	if target == "" {
		return
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.seen == nil || len(h.seen) >= mostHomes && h.seen[target] == 0 {
		h.seen = make(map[string]int)
	}
	h.seen[target] = min(h.seen[target]+1, usual)
}

// above reports whether an address is a folder in which another address lies. The start page lies above all addresses,
// so it does not count: it is a home only if the app's logins usually lead to it.
func above(target, asked string) bool {
	folder := strings.TrimSuffix(target, "/")
	rest, in := strings.CutPrefix(asked, folder)
	return in && folder != "" && !strings.ContainsAny(folder, "?#") && (rest == "" || rest[0] == '/' || rest[0] == '?')
}

// goesHome reports whether the app's answer leads to its usual home although the browser had first asked for another
// page, which is returned as asked. If the answer leads anywhere else, for example to new terms of use, the app has a
// reason for it.
func goesHome(x *Exchange, delivery *session.Delivery) (asked string, home bool) {
	if delivery.Location == "" || !exchange.IsPageLoad(x.R) {
		return "", false
	}
	home = x.site.homes.has(delivery.Location)
	asked = x.RememberedTarget()
	if asked == "" || asked == "/" || asked == delivery.Location {
		return "", false
	}
	return asked, home || above(delivery.Location, asked)
}
