package caddymodule

import (
	"errors"
	"log/slog"
	"net"
	"slices"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/passkey"
)

// kindsOffered are the kinds of factors that are offered where `factors` names none.
var kindsOffered = []factor.Method{factor.MethodTOTP, factor.MethodPasskey}

// checkFactors checks the kinds that `factors` names.
func checkFactors(names []string) error {
	for i, name := range names {
		if err := oneOf(name, string(factor.MethodTOTP), string(factor.MethodPasskey), string(factor.MethodMail), string(factor.MethodSMS)); err != nil {
			return err
		}
		if slices.Contains(names[:i], name) {
			return errors.New(name + " stands there twice")
		}
	}
	return nil
}

// passkeyWords are the words of `passkey`.
func passkeyWords() table[Passkey] {
	return table[Passkey]{
		row("rp_id", "<domain>", text(checkRPID), func(p *Passkey) *string { return &p.RPID }, nil),
		row("user_verification", "preferred|required|discouraged", text(checkVerification), func(p *Passkey) *string { return &p.UserVerification }, nil),
	}
}

func checkRPID(id string) error { return reason(passkey.CheckRPID(id), "rp_id ") }

func checkVerification(word string) error {
	return oneOf(word, passkey.Preferred, passkey.Required, passkey.Discouraged)
}

// offered returns the kinds that users can set up.
func (h *Handler) offered() (kinds []factor.Method) {
	for _, name := range h.Factors {
		kinds = append(kinds, factor.Method(name))
	}
	if len(kinds) == 0 {
		return kindsOffered
	}
	return kinds
}

// passkeys returns the settings of passkeys.
func (h *Handler) passkeys() passkey.Options {
	options := passkey.Options{Name: h.name()}
	if p := h.Passkey; p != nil {
		options.RPID, options.Verification = p.RPID, p.UserVerification
	}
	return options
}

// passkeysAt fills in what follows from the hosts of the site: the RP ID, where none is named, and the hosts that it
// does not cover. A host that a client can choose is empty, and covered by none.
func (h *Handler) passkeysAt(hosts []string) {
	p := h.Passkey
	if p == nil {
		p = new(Passkey)
	}
	for _, host := range hosts {
		if p.RPID == "" && net.ParseIP(host) == nil && passkey.CheckRPID(host) == nil {
			p.RPID = host
		}
	}
	if p.RPID == "" {
		return
	}
	for _, host := range hosts {
		if host != "" && !passkey.Covers(p.RPID, host) {
			p.Elsewhere = append(p.Elsewhere, host)
		}
	}
	h.Passkey = p
}

// tellPasskeys logs where passkeys are not offered: as a warning if somebody has asked for them.
func (h *Handler) tellPasskeys(logger *slog.Logger) {
	if !slices.Contains(h.offered(), factor.MethodPasskey) {
		return
	}
	tell := logger.Info
	if len(h.Factors) > 0 {
		tell = logger.Warn
	}
	switch {
	case h.Passkey == nil || h.Passkey.RPID == "":
		tell("passkeys are not offered: the site has no host that is a name; rp_id in passkey names one", "app", h.App, "setting", "passkey")
	case len(h.Passkey.Elsewhere) > 0:
		tell("passkeys are not offered at all hosts of the site: rp_id does not cover these", "app", h.App, "setting", "passkey",
			"rp_id", h.Passkey.RPID, "hosts", h.Passkey.Elsewhere)
	}
}
