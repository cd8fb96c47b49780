package caddymodule

import (
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// notifyWays read what follows the kind in a line of `notify`.
var notifyWays = map[string]func(d *caddyfile.Dispenser, way *Notify) error{
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
	way := Notify{Kind: kind}
	if err := read(d, &way); err != nil {
		return err
	}
	h.Notify = append(h.Notify, way)
	return nil
}
