package caddymodule

import (
	"fmt"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/notify"
)

// Notify is one way in which security events are told to people or programs.
type Notify struct {
	// The kind: `webhook` posts notices to an address. Required.
	Kind string `json:"kind,omitempty"`
	// The address of a webhook. Placeholders are replaced.
	URL string `json:"url,omitempty"`
	// What a webhook's notices are signed with: a placeholder such as `{env.NAME}`, or a stand-in for a secret that the
	// Caddyfile spells out.
	Secret string `json:"secret,omitempty"`
}

// countNotice counts what becomes of notices.
var countNotice notify.Count = func(app, kind, outcome string) { noticesTotal.WithLabelValues(app, kind, outcome).Inc() }

// notices are the ways of `notify`.
func (h *Handler) notices() (sinks event.Sinks, err error) {
	for _, way := range h.Notify {
		switch way.Kind {
		case "webhook":
			sink, err := h.webhookNotices(way)
			if err != nil {
				return nil, err
			}
			sinks = append(sinks, sink)
		default:
			return nil, fmt.Errorf("second_factor: notify %q: want %s", way.Kind, choice(notifyKinds()))
		}
	}
	return sinks, nil
}
