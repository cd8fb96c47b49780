package gate

import (
	"net/netip"
	"slices"
)

// Owes decides which state a session gets by a password alone: Pending, Enrolling or Verified. known reports whether
// the secrets store has answered, enrolled is its answer, and required reports whether everybody must have a factor.
// Only a clear "not enrolled" means that no factor is owed (P6).
func Owes(known, enrolled, required bool) State {
	switch {
	case !known || enrolled:
		return Pending
	case required:
		return Enrolling
	}
	return Verified
}

// MayEnrol reports whether a first factor may be set up from a client's address, without a port: from everywhere if no
// networks are given, else from one of them. What is no address lies in none.
func MayEnrol(networks []netip.Prefix, client string) bool {
	if len(networks) == 0 {
		return true
	}
	address, err := netip.ParseAddr(client)
	if err != nil {
		return false
	}
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(networks, func(network netip.Prefix) bool { return network.Contains(address) })
}
