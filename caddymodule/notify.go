package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/notify"
)

// Notify is one way in which security events are told to people or programs.
type Notify struct {
	// The kind: `mail` tells the user at the address that `mail` names, `webhook` posts notices to an address.
	// Required.
	Kind string `json:"kind,omitempty"`
	// The address of a webhook. Placeholders are replaced.
	URL string `json:"url,omitempty"`
	// What a webhook's notices are signed with: a placeholder such as `{env.NAME}`, or a stand-in for a secret that the
	// Caddyfile spells out.
	Secret string `json:"secret,omitempty"`
}

// countNotice counts what becomes of notices.
var countNotice notify.Count = func(app, kind, outcome string) { noticesTotal.WithLabelValues(app, kind, outcome).Inc() }

// notifies reports whether the site has a way of this kind.
func (h *Handler) notifies(kind string) bool {
	return slices.ContainsFunc(h.Notify, func(n Notify) bool { return n.Kind == kind })
}

// notices are the ways of `notify`.
func (h *Handler) notices(app *App, factors *factor.Service, logger *slog.Logger) (sinks event.Sinks, err error) {
	for _, way := range h.Notify {
		switch way.Kind {
		case "mail":
			sinks = append(sinks, h.mailNotices(app, factors, logger))
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

func (h *Handler) mailNotices(app *App, factors *factor.Service, logger *slog.Logger) event.Sink {
	options := notify.MailOptions{
		Queue: app.mail.Queue(), App: h.App, Name: h.name(), Password: h.ChangePassword, Language: h.Language,
		Known: func(ctx context.Context, user string) (notify.Contact, error) {
			known, err := factors.Status(ctx, user)
			return notify.Contact(known.Contact), err
		},
		Count: countNotice, Logger: logger,
	}
	if h.Brand != nil {
		options.Help, options.HelpLink = h.Brand.Help, h.Brand.HelpLink
	}
	return notify.NewMail(options)
}

// checkNotices checks that what is to be told by mail has an address to go to.
func (h *Handler) checkNotices() error {
	if h.notifies("mail") && h.Mail.pointer() == "" {
		return errors.New("notify mail: say where the user's address stands: mail { address json <pointer> }")
	}
	return nil
}

// checkSender checks that there is a server to send by, which a site cannot know while it is read.
func (h *Handler) checkSender(app *App) error {
	if h.notifies("mail") && app.mail == nil {
		return errors.New("notify mail: there is no server to send by: mail smtp <url> among the global options of second_factor")
	}
	return nil
}
