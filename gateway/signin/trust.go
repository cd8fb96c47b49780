package signin

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/underway"
)

// maxTrusted is the number of accounts for which one browser can be trusted at the same time.
const maxTrusted = 4

// TrustSuffix ends the name of the cookie of a trusted browser; the rest is the name of the session's cookie.
const TrustSuffix = "-trusted"

// trustCookie is the name of the cookie that holds a browser's secrets, one for each account for which it is trusted.
func trustCookie(x *Exchange) string { return x.CookieName(x.R) + TrustSuffix }

// Credentials returns the secrets that a browser sends. If the cookie occurs twice, none is accepted.
func (x *Exchange) Credentials() []string {
	value := exchange.CookieValue(x.ClientCookies(), trustCookie(x))
	if value == "" {
		return nil
	}
	all := strings.SplitN(value, "~", maxTrusted+1)
	return all[:min(len(all), maxTrusted)]
}

// trusted reports whether this browser may sign in without a code. If so, it returns the browser's next secret; the one
// that the browser sent is used up. A browser with a key has to prove itself first on the challenge page, as the device
// whose ID is returned.
func (x *Exchange) trusted(user string, status factor.Status) (credential, device string) {
	for _, shown := range x.Credentials() {
		found, ok := standing(status, shown)
		switch {
		case !ok:
			continue
		case found.Key != nil:
			return "", found.ID
		}
		return x.UseTrust(user, shown, factor.Proof{}), ""
	}
	return "", ""
}

// UseTrust lets the record judge the secret that a browser sends instead of a code. It returns the browser's next
// secret, or an empty one if a code has to be asked for. If the store cannot answer, the browser is not trusted, and
// the store is asked again when the code is checked (P6).
func (x *Exchange) UseTrust(user, shown string, proof factor.Proof) (credential string) {
	credential, err := x.Config.Factors.UseDevice(x.Noting(), user, shown, proof)
	switch {
	case err == nil:
		x.StoreWorks(underway.StoreSecrets, true)
	case errors.Is(err, factor.ErrMisused):
		x.Tell(event.Event{
			Name: event.BrowserForgotten, User: user, Actor: event.ByGateway,
			Method: event.MethodTrusted, Reason: event.ReasonMisused,
		})
	case errors.Is(err, factor.ErrNotTrusted):
		x.Tell(event.Event{
			Name: event.ChallengeFailed, User: user, Outcome: event.Refused,
			Method: event.MethodTrusted, Reason: event.ReasonNotTrusted,
		})
	default:
		x.StoreFails(err)
		x.Log.ErrorContext(x.R.Context(), "the secrets store could not say whether the browser is trusted; a code is asked for",
			"setting", "secrets", "app", x.Config.App, "error", err)
	}
	return credential
}

// standing finds the trusted browser to which the secret belongs.
func standing(status factor.Status, credential string) (device factor.DeviceStatus, ok bool) {
	return DeviceOf(status, factor.DeviceID(credential))
}

// DeviceOf finds the trusted browser with this ID in the record.
func DeviceOf(status factor.Status, id string) (device factor.DeviceStatus, ok bool) {
	at := slices.IndexFunc(status.Devices, func(d factor.DeviceStatus) bool { return d.ID == id })
	if id == "" || at < 0 {
		return device, false
	}
	return status.Devices[at], true
}

// StillTrusted makes a function that reports whether no factor is owed because the browser with this secret is trusted.
func StillTrusted(credential string) func(factor.Status) bool {
	return func(status factor.Status) bool {
		_, ok := standing(status, credential)
		return ok
	}
}

// KeepTrust gives a browser its new secret. The secret replaces the one with the same ID, or else the oldest.
func (x *Exchange) KeepTrust(credential string) {
	kept := []string{credential}
	for _, other := range x.Credentials() {
		if factor.DeviceID(other) != factor.DeviceID(credential) && len(kept) < maxTrusted && plainCredential(other) {
			kept = append(kept, other)
		}
	}
	x.WriteCookie(x.W.Header(), x.R, trustCookie(x), strings.Join(kept, "~"),
		"; Max-Age="+strconv.Itoa(int(x.Config.Factors.Remember().Seconds())), "Strict")
}

// plainCredential reports whether a secret that a browser sent can be written into a cookie unchanged.
func plainCredential(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'f') && r != '.'
	})
}
