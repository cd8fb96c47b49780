package signin

import (
	"strings"
	"sync"

	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/session"
)

// homes are where the app's logins lead again and again, whatever page was asked for: the gateway, and not the app, met
// the request for it. Nothing but where a browser goes on depends on them.
type homes struct {
	mutex sync.Mutex
	seen  map[string]int
}

const (
	// usual is how often a login has to lead somewhere until that is one of the app's homes.
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

// LedTo notes where the app's login led somebody to who is in by now: a password alone teaches nothing.
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

// above reports whether an address is a folder in which another address lies. The start page is above all, and no more
// than others the home of an app that also leads elsewhere.
func above(target, asked string) bool {
	folder := strings.TrimSuffix(target, "/")
	rest, in := strings.CutPrefix(asked, folder)
	return in && folder != "" && !strings.ContainsAny(folder, "?#") && (rest == "" || rest[0] == '/' || rest[0] == '?')
}

// goesHome reports whether the app leads to its usual home, and the browser had asked for another page first; asked is
// that one. What leads anywhere else, to new terms of use perhaps, does so for a reason.
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
