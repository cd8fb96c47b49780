package walk

import (
	"cmp"
	"net/http"
	"net/url"
)

// The moves with the attacker's other factors, where she has some. Each begins in one browser, and ends in another or
// the same.
const (
	// Touch answers the question for a passkey with the attacker's own.
	Touch Kind = "passkey"
	// Text has a code sent by text message, and types in the last one that came to the attacker's own telephone.
	Text Kind = "text message"
	// Plant tries to set up factors of the attacker's own in a session that owes one.
	Plant Kind = "plant"
)

// Further are other factors that the attacker has for an account, besides an authenticator.
type Further struct {
	// Touch returns what a browser sends of the attacker's passkey for request options.
	Touch func(options string) string
	// Create returns what a browser sends of a new passkey for creation options, and Created what it sends of that one
	// for request options.
	Create, Created func(options string) string
	// Number is the attacker's telephone, and Last returns the last code that came to it; empty if none has.
	Number string
	Last   func() string
}

// further chooses one of the moves with other factors.
func (c *chooser) further() Move {
	move := Move{Kind: pick(c, []Kind{Touch, Touch, Text, Text, Text, Plant}), From: c.last}
	if c.chance(40) {
		move.From = c.IntN(browsers)
	}
	return move
}

// hasFurther reports whether the attacker has other factors.
func (t *Target) hasFurther() bool { return len(t.Enrolled) > 0 && t.Enrolled[0].Further != nil }

// doFurther makes one of the moves with other factors.
func (p *play) doFurther(move Move, b, from *browser) {
	if p.enrolled == nil || p.enrolled.Further == nil {
		return
	}
	switch own := p.enrolled.Further; move.Kind {
	case Touch:
		if asked := from.script("/challenge/passkey/options", "{}"); asked.Status == http.StatusOK {
			b.script("/challenge/passkey", own.Touch(asked.Text))
		}
	case Text:
		from.script("/challenge/send", `{"kind":"sms"}`)
		b.script("/challenge", `{"kind":"sms","code":"`+cmp.Or(own.Last(), "000000")+`"}`)
	case Plant:
		if b.look().State != "pending" {
			return
		}
		b.own("/challenge", "/setup", url.Values{"kind": {"sms"}, "address": {own.Number}})
		b.own("/challenge", "/setup/confirm", url.Values{"code": {own.Last()}})
		b.own("/challenge", "/add", url.Values{"kind": {"passkey"}})
		if asked := b.script("/setup/passkey/options", "{}"); asked.Status == http.StatusOK {
			b.script("/setup/passkey", own.Create(asked.Text))
			if asked := b.script("/challenge/passkey/options", "{}"); asked.Status == http.StatusOK {
				b.script("/challenge/passkey", own.Created(asked.Text))
			}
		}
	}
}

// script posts a JSON document to one of the gateway's own pages, as a script of theirs does.
func (b *browser) script(to, document string) Answer {
	return b.send(request{
		method: http.MethodPost, target: b.target.Base + to, body: document, lines: []string{"Content-Type: application/json", "Sec-Fetch-Mode: cors"},
	})
}
