package match

import "net/netip"

// Network is the part of a client's address that counts as one client: all of it for IPv4, and its /64 for IPv6, of
// which each connection has a whole one (RFC 6177, RFC 7934 §8). What is no address stays as it is. It is for limits.
func Network(address string) string {
	parsed, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if parsed = parsed.Unmap().WithZone(""); parsed.Is4() {
		return parsed.String()
	}
	return within(parsed, 64, address)
}

// Neighbourhood is the part of an address that counts as one place: the /24 of IPv4 and the /64 of IPv6, within which
// addresses change by themselves.
func Neighbourhood(address string) string {
	parsed, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if parsed = parsed.Unmap().WithZone(""); parsed.Is4() {
		return within(parsed, 24, address)
	}
	return within(parsed, 64, address)
}

func within(parsed netip.Addr, bits int, address string) string {
	prefix, err := parsed.Prefix(bits)
	if err != nil {
		return address
	}
	return prefix.String()
}
