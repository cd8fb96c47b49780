package caddymodule

import (
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/internal/match"
)

// notifyWays read what follows the kind in a line of `notify`.
var notifyWays = map[string]func(d *caddyfile.Dispenser, way *Notify) error{
	"mail": func(d *caddyfile.Dispenser, _ *Notify) error {
		if d.NextArg() {
			return errCount
		}
		return noBlock(d)
	},
	"webhook": readWebhook,
}

// notifyKinds are the ways that there are, sorted.
func notifyKinds() []string {
	var kinds []string
	for kind := range notifyWays {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// readNotify reads a line of `notify`.
func readNotify(d *caddyfile.Dispenser, h *Handler, _ places) error {
	if !d.NextArg() {
		return errCount
	}
	kind := d.Val()
	read, known := notifyWays[kind]
	if !known {
		return unknown("way to notify", kind, notifyKinds())
	}
	if kind == "mail" && h.notifies(kind) {
		return fmt.Errorf("'notify %s' stands there already", kind)
	}
	way := Notify{Kind: kind}
	if err := read(d, &way); err != nil {
		return err
	}
	h.Notify = append(h.Notify, way)
	return nil
}

// checkPasswordPath checks `change_password`: a path of the app's on this site.
func checkPasswordPath(path string) error {
	if !match.IsLocal(path) {
		return fmt.Errorf("'%s': want a path on this site, such as /account/password", path)
	}
	return nil
}
