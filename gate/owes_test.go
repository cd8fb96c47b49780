package gate

import (
	"net/netip"
	"testing"
)

// TestP6_OnlyAClearNoOwesNothing: somebody who knows a password signs in while the secrets store is unreachable or its
// answer cannot be read. An enrolled user still owes a factor, and any other user is asked for one until the store
// answers. The control: a user of whom the store clearly says that she is not enrolled goes on.
func TestP6_OnlyAClearNoOwesNothing(t *testing.T) {
	for _, test := range []struct {
		known, enrolled, required bool
		want                      State
	}{
		{known: false, enrolled: false, required: false, want: Pending},
		{known: false, enrolled: false, required: true, want: Pending},
		{known: false, enrolled: true, required: false, want: Pending},
		{known: false, enrolled: true, required: true, want: Pending},
		{known: true, enrolled: true, required: false, want: Pending},
		{known: true, enrolled: true, required: true, want: Pending},
		{known: true, enrolled: false, required: true, want: Enrolling},
		{known: true, enrolled: false, required: false, want: Verified},
	} {
		if got := Owes(test.known, test.enrolled, test.required); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

// TestP1_FirstFactorsFromTheseNetworks: somebody sets up a first factor from an address outside of the networks that
// the operator has named, spelled as an address that was mapped, with a zone, or in a way that cannot be read. The
// control: from inside it is set up, and where no networks are named, from everywhere.
func TestP1_FirstFactorsFromTheseNetworks(t *testing.T) {
	networks := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("192.0.2.7/32")}
	for client, want := range map[string]bool{
		"10.1.2.3": true, "2001:db8:1::1": true, "192.0.2.7": true, "::ffff:10.1.2.3": true, "2001:db8::1%eth0": true,
		"10.2.0.1": false, "192.0.2.8": false, "2001:db9::1": false, "::1": false, "127.0.0.1": false, "::ffff:10.2.0.1": false,
		"": false, "@": false, "localhost": false, "10.1.2.3, 10.2.0.1": false, "10.1.2.3:443": false, "10.1.0.0/16": false,
	} {
		if got := MayEnrol(networks, client); got != want {
			t.Errorf("%q: %t", client, got)
		}
		if !MayEnrol(nil, client) {
			t.Errorf("%q, where no networks are named: refused", client)
		}
	}
}
