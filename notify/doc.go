// Package notify tells of security events: the user whom they are about, by e-mail (Mail), and whoever has to know at
// once, by requests to an address of theirs (Webhook). It listens to events like a log does, and nobody waits for it.
package notify

import "sallyport.example/sallyport/event"

// Count is called with what became of a notice, once: of which app, of which kind, such as `mail`, and how it went.
type Count func(app, kind, outcome string)

// How a notice goes.
const (
	// Sent means that the next server has it.
	Sent = "sent"
	// Failed means that it was refused, or given up after several attempts.
	Failed = "failed"
	// Lost means that there was no room for it, or that its address could not be looked up.
	Lost = "lost"
)

// events are what users are told of.
var events = map[event.Name]bool{
	event.FactorAdded: true, event.FactorRemoved: true, event.FactorReset: true, event.FactorsDisabled: true,
	event.RecoveryCodesMade: true, event.RecoveryCodeUsed: true, event.BrowserTrusted: true, event.Stopped: true,
	event.AddressChanged: true, event.PasswordExposed: true, event.OperatorReset: true,
	event.PasskeyCopied: true,
}

// Tells reports whether users are told of such events.
func Tells(name event.Name) bool { return events[name] }
