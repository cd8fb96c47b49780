package pages

import (
	"cmp"
	"slices"
	"time"
)

// settingsLists is what the template of the settings page sees: the view, with words for what has none of its own.
type settingsLists struct {
	SettingsView
	Activity []activity
}

// activity is one line of what happened lately.
type activity struct {
	ActivityLine
	What string
}

// listed makes the lists of the settings page ready to be shown: names come from browsers, which may say anything.
func (r *Renderer) listed(v SettingsView) settingsLists {
	words := r.edition(v.Languages)
	unknown := words.message("settings.unknown")
	name := func(browser string) string { return cmp.Or(harmless(browser), unknown) }

	v.Trusted, v.Sessions = slices.Clone(v.Trusted), slices.Clone(v.Sessions)
	for i := range v.Trusted {
		v.Trusted[i].Browser = name(v.Trusted[i].Browser)
	}
	for i := range v.Sessions {
		v.Sessions[i].Browser, v.Sessions[i].Address = name(v.Sessions[i].Browser), harmless(v.Sessions[i].Address)
	}
	lists := settingsLists{SettingsView: v}
	for _, event := range v.Activity {
		what, err := words.text("activity."+event.Kind, int64(max(event.Count, 1)))
		if err != nil {
			continue
		}
		event.Browser, event.Address = harmless(event.Browser), harmless(event.Address)
		lists.Activity = append(lists.Activity, activity{ActivityLine: event, What: what})
	}
	return lists
}

// trusts says for how long a browser will be trusted, in days where it is a day or more.
func (c catalogue) trusts(remember time.Duration) (string, error) {
	if remember < 24*time.Hour {
		return c.text("challenge.trust.hours", up(remember, time.Hour))
	}
	return c.text("challenge.trust", int64(remember/(24*time.Hour)))
}
