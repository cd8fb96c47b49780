package caddymodule

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/factor"
)

// Who may set up a first factor.
const (
	enrolmentOpen    = "open"
	enrolmentCode    = "code"
	enrolmentNetwork = "network"
)

// longestTrust is how long browsers keep a cookie at most.
const longestTrust = 400 * 24 * time.Hour

// checkPolicy checks the settings about who must have a factor and when a code is asked for.
func (h *Handler) checkPolicy() error {
	everyone := h.Require == "everyone"
	switch {
	case h.Require != "" && h.Require != "enrolled" && !everyone:
		return fmt.Errorf("require %q: want enrolled or everyone", h.Require)
	case h.Grace < 0 || h.Grace > 0 && !everyone:
		return errors.New("grace: it is for those who must have a second factor: require everyone grace <duration>")
	case h.Offer && everyone:
		return errors.New("offer: what is required is not offered; 'require everyone grace <duration>' gives time")
	}
	if err := checkRemember(h.Remember); err != nil {
		return fmt.Errorf("remember: %w", err)
	}
	if h.Enrolment != "" {
		if err := oneOf(h.Enrolment, enrolmentOpen, enrolmentCode, enrolmentNetwork); err != nil {
			return fmt.Errorf("enrolment: %w", err)
		}
	}
	if (h.Enrolment == enrolmentNetwork) != (len(h.EnrolmentNetworks) > 0) {
		return errors.New("enrolment: network and enrolment_networks need each other")
	}
	return nil
}

func checkRemember(long caddy.Duration) error {
	if long < 0 || duration(long) > longestTrust {
		return errors.New("want at most 400d, which is how long browsers keep a cookie")
	}
	return nil
}

// readRequire reads `require` and its grace period.
func readRequire(d *caddyfile.Dispenser, h *Handler, _ places) error {
	arguments := d.RemainingArgs()
	if len(arguments) == 0 {
		return errCount
	}
	if err := oneOf(arguments[0], "enrolled", "everyone"); err != nil {
		return err
	}
	h.Require = arguments[0]
	switch {
	case len(arguments) == 1:
	case len(arguments) != 3 || arguments[0] != "everyone" || arguments[1] != "grace":
		return errors.New("it takes enrolled, or everyone, which may have a 'grace <duration>' behind it")
	default:
		grace, err := caddy.ParseDuration(arguments[2])
		if err != nil || grace < time.Minute {
			return fmt.Errorf("grace '%s': want a duration of a minute or more, such as 14d", arguments[2])
		}
		h.Grace = caddy.Duration(grace)
	}
	return noBlock(d)
}

// readEnrolment reads who may set up a first factor.
func readEnrolment(arguments []string, h *Handler) error {
	if len(arguments) == 0 {
		return errCount
	}
	if err := oneOf(arguments[0], enrolmentOpen, enrolmentCode, enrolmentNetwork); err != nil {
		return err
	}
	h.Enrolment, h.EnrolmentNetworks = arguments[0], arguments[1:]
	if (h.Enrolment == enrolmentNetwork) != (len(h.EnrolmentNetworks) > 0) {
		return errCount
	}
	_, err := parseNetworks(h.EnrolmentNetworks)
	return err
}

// parseNetworks reads networks, and single addresses as networks of one.
func parseNetworks(texts []string) (networks []netip.Prefix, err error) {
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if address, single := netip.ParseAddr(text); single == nil && address.Zone() == "" {
			network, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil || network.Addr().Is4In6() {
			return nil, fmt.Errorf("'%s' is no network, such as 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32", text)
		}
		networks = append(networks, network)
	}
	return networks, nil
}

func checkFallback(name string) error {
	return oneOf(name, string(factor.FallbackAny), string(factor.FallbackSame), string(factor.FallbackNone))
}

// readRemember reads for how long a browser may be trusted, and whether it must hold a key.
func readRemember(arguments []string, h *Handler) error {
	if len(arguments) == 2 {
		if err := oneOf(arguments[1], "key"); err != nil {
			return err
		}
		h.RememberKey, arguments = true, arguments[:1]
	}
	if err := atLeast(time.Minute)(arguments, &h.Remember); err != nil {
		return err
	}
	return checkRemember(h.Remember)
}
