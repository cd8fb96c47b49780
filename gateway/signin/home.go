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
	// startPage is above all others.
	startPage = "/"
)

// has reports whether the address is one of the homes. The start page is one from the beginning, unless the app is
// known to have another home: nearly all apps lead there if nothing else was asked for, and a user who is led past it,
// perhaps after a new password, can still find it. If logins usually lead elsewhere, the app leads there for a reason.
func (h *homes) has(target string) bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.seen[target] >= usual || target != startPage {
		return h.seen[target] >= usual
	}
	for _, times := range h.seen {
		if times >= usual {
			return false
		}
	}
	return true
}

// LedTo notes where the app's login led a user who has fully signed in. It does not note what follows a password alone,
// nor the page that was asked for, because goesHome may have led there instead of the app.
func (x *Exchange) LedTo(target, asked string) {
	if target != asked || target == startPage {
		x.site.homes.note(target)
	}
}

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

// above reports whether an address is a folder in which another address lies. The start page does not count, because
// all addresses lie in it.
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
	asked = x.RememberedTarget()
	if asked == "" || asked == startPage || asked == delivery.Location {
		return "", false
	}
	return asked, x.site.homes.has(delivery.Location) || above(delivery.Location, asked)
}
