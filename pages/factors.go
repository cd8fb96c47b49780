package pages

import (
	"net/http"
	"slices"
)

// The kinds of factors that pages have words for.
const kindApp, kindPasskey, kindMail, kindSMS = "totp", "passkey", "mail", "sms"

// isSent reports whether codes of a kind are sent.
func isSent(kind string) bool { return kind == kindMail || kind == kindSMS }

// way is a kind of factor as a choice.
type way struct{ Kind, Label string }

// What the ways are called: at the challenge, and where one is set up instead of another.
var (
	wayLabels     = map[string]string{kindApp: "way.totp", kindPasskey: "way.passkey", kindMail: "way.mail", kindSMS: "way.sms"}
	insteadLabels = map[string]string{kindApp: "instead.totp", kindPasskey: "instead.passkey", kindMail: "instead.mail", kindSMS: "instead.sms"}
	addLabels     = map[string]string{kindApp: "settings.add.totp", kindPasskey: "settings.add.passkey", kindMail: "settings.add.mail", kindSMS: "settings.add.sms"}
)

// waysIn are the kinds that there are labels for.
func waysIn(kinds []string, labels map[string]string) (ways []way) {
	for _, kind := range kinds {
		if label := labels[kind]; label != "" {
			ways = append(ways, way{kind, label})
		}
	}
	return ways
}

func waysOf(kinds []string) []way    { return waysIn(kinds, wayLabels) }
func insteadOf(kinds []string) []way { return waysIn(kinds, insteadLabels) }

// challenge is what the template of the challenge sees.
type challenge struct {
	ChallengeView
	Others []way
}

// Passkey says that a passkey is asked for.
func (c challenge) Passkey() bool { return c.Way == kindPasskey && !c.Nowhere }

// Sent says that a code is sent.
func (c challenge) Sent() bool { return isSent(c.Way) && !c.Nowhere }

// Sent says of a factor that its codes are sent.
func (f FactorLine) Sent() bool { return isSent(f.Kind) }

// Label is the key of what a factor is called that has no name.
func (f FactorLine) Label() string {
	switch f.Kind {
	case kindPasskey:
		return "desk.kind.passkey"
	case kindMail:
		return "desk.kind.mail"
	case kindSMS:
		return "desk.kind.sms"
	}
	return "settings.app"
}

// Add are the kinds of which a further factor can be set up.
func (s settingsLists) Add() []way { return waysIn(s.Offered, addLabels) }

// Resets reports whether an authenticator can be replaced.
func (s settingsLists) Resets(kind string) bool {
	return kind == kindApp && (s.Offered == nil || slices.Contains(s.Offered, kind))
}

// HasKey reports whether one of the factors is a passkey.
func (s settingsLists) HasKey() bool {
	return slices.ContainsFunc(s.Factors, func(f FactorLine) bool { return f.Kind == kindPasskey })
}

// FirstApp is the ID of the authenticator whose button is found by its id; empty if there is only one factor, which has
// no name in addresses.
func (s settingsLists) FirstApp() string {
	for _, f := range s.Factors {
		if f.Kind == kindApp {
			return f.ID
		}
	}
	return ""
}

// SetUpPasskeyView is the page on which a passkey is made, at Base/setup. Its script speaks to Base/setup/passkey.
type SetUpPasskeyView struct {
	Common
	// Further says that it stands beside factors that the user has.
	Further bool
	// Enrolling says that a second factor is required: the page tells why it appears and has no way to cancel.
	Enrolling bool
	// Others are the kinds that can be set up instead.
	Others []string
	// Behind is the settings page that the script puts behind the dialog.
	Behind *SettingsView
}

// SetUpPasskey shows the page on which a passkey is made.
func SetUpPasskey(r *Renderer, w http.ResponseWriter, status int, v SetUpPasskeyView) error {
	heading, opener := "setup.title", "open-setup"
	if v.Further {
		heading, opener = "add.passkey.title", "open-add-passkey"
	}
	view := struct {
		SetUpPasskeyView
		Instead []way
	}{v, insteadOf(v.Others)}
	return r.render(w, status, "setuppasskey", heading, page{
		Common: v.Common, View: view, SignOut: true, Behind: r.settings(v.Behind), Opener: opener, Passkeys: true,
	})
}

// ConfirmAdd asks before a further factor is set up; it posts to Base/add.
func ConfirmAdd(r *Renderer, w http.ResponseWriter, status int, v ConfirmView) error {
	kind := "add." + kindApp
	if addLabels[v.Kind] != "" {
		kind = "add." + v.Kind
	}
	v.Factor = ""
	return r.confirm(w, status, kind, confirmation{
		ConfirmView: v, Path: "/add", Opener: "open-add-" + v.Kind, Others: "reset.others", Submit: LabelContinue,
	})
}

// ConfirmRename asks what a factor is to be called; it posts to its address below Base/factors.
func ConfirmRename(r *Renderer, w http.ResponseWriter, status int, v ConfirmView) error {
	path := "/factors/" + v.Factor + "/rename"
	opener := "rename-" + v.Factor
	v.Factor, v.Kind = "", ""
	return r.confirm(w, status, "rename", confirmation{ConfirmView: v, Path: path, Opener: opener, Renames: true, Submit: "settings.rename"})
}

// ConfirmRemove asks before a factor is taken away; it posts to its address below Base/factors.
func ConfirmRemove(r *Renderer, w http.ResponseWriter, status int, v ConfirmView) error {
	path, opener, others := "/factors/"+v.Factor+"/remove", "remove-"+v.Factor, "reset.others"
	if v.Last {
		others = "disable.lead"
	}
	v.Factor, v.Kind = "", ""
	return r.confirm(w, status, "remove", confirmation{ConfirmView: v, Path: path, Opener: opener, Danger: true, Others: others, Submit: "settings.remove"})
}

// SetUpSentView is the page of the set-up of codes that are sent, at Base/setup: it asks for the address (POST
// Base/setup), or for the code that was sent there (POST Base/setup/confirm).
type SetUpSentView struct {
	Common
	// Kind is mail or sms.
	Kind string
	// To is where the code was sent, masked; empty if the address is asked for.
	To string
	// Typed says that the user says the address, and Address what was typed. Else the app says it, and has said none.
	Typed   bool
	Address string
	// Further says that it stands beside factors that the user has.
	Further bool
	// Enrolling says that a second factor is required: the page tells why it appears and has no way to cancel.
	Enrolling bool
	// Others are the kinds that can be set up instead.
	Others []string
	// Behind is the settings page that the script puts behind the dialog.
	Behind *SettingsView
}

// SetUpSent shows the page of the set-up of codes that are sent.
func SetUpSent(r *Renderer, w http.ResponseWriter, status int, v SetUpSentView) error {
	heading, opener := "setup.title", "open-setup"
	if v.Further {
		heading, opener = "add."+v.Kind+".title", "open-add-"+v.Kind
	}
	view := struct {
		SetUpSentView
		Instead []way
		// Input is the type of the field for the address.
		Input string
	}{v, insteadOf(v.Others), "email"}
	if v.Kind == kindSMS {
		view.Input = "tel"
	}
	return r.render(w, status, "setupsent", heading, page{
		Common: v.Common, View: view, SignOut: true, Behind: r.settings(v.Behind), Opener: opener,
		Field: field{Digits: 6, Sent: true, Focus: v.To != "" || v.Typed},
	})
}
