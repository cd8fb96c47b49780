package caddymodule

import (
	"encoding/json"
	"fmt"
	"sync"
)

// maxWritten is how many sites are remembered, of this configuration and of earlier ones.
const maxWritten = 256

// lines remembers the positions of the words in the Caddyfiles that this process has read. Adapting a Caddyfile opens
// no other file, so an error in a logo is found only when the site is provisioned, from JSON, which has no lines.
//
// A site is recognised by all of its settings. One that another process adapted, as at a reload, is not recognised.
var lines written

// written are the positions of words, by the settings of their site.
type written struct {
	mu    sync.Mutex
	sites map[string]places
	order []string
}

// remember stores the positions of a site's words.
func (w *written) remember(h *Handler, said places) {
	settings, err := json.Marshal(h)
	if err != nil {
		return // it could not be looked up then, and errors name the setting only
	}
	key := string(settings)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sites == nil {
		w.sites = make(map[string]places)
	}
	if _, again := w.sites[key]; !again {
		w.order = append(w.order, key)
	}
	w.sites[key] = said
	if len(w.order) > maxWritten {
		delete(w.sites, w.order[0])
		w.order = w.order[1:]
	}
}

// of returns the positions of a site's words; nil if they are not known.
func (w *written) of(h *Handler) places {
	settings, err := json.Marshal(h)
	if err != nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sites[string(settings)]
}

// wrap adds a word's line to an error about a site, if it is known.
func (w *written) wrap(h *Handler, word string, err error) error {
	if err == nil {
		return nil
	}
	where, found := w.of(h).last(word)
	if !found {
		return err
	}
	return fmt.Errorf("%w, at %s", err, where)
}
