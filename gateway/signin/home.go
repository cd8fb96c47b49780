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
	// startPage is above all others.
	startPage = "/"
)

// has reports whether the address is one of the homes. The start page is one at once, as long as the app is not known
// to have another: nearly all apps lead there where nothing else was asked for, and whoever is led past it finds it
// where it always is. Where logins usually lead elsewhere, it is led to for a reason.
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

// LedTo notes where the app's login led somebody to who is in by now: a password alone teaches nothing. Where that is
// the page that was asked for, it may not have been the app that said so (goesHome), and teaches nothing either.
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

// above reports whether an address is a folder in which another address lies. The start page is none: all lie in it.
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
	asked = x.RememberedTarget()
	if asked == "" || asked == startPage || asked == delivery.Location {
		return "", false
	}
	return asked, x.site.homes.has(delivery.Location) || above(delivery.Location, asked)
}
