package gate

import "testing"

// TestP6_OnlyAClearNoOwesNothing: somebody who knows a password signs in while the secrets store is away, or says
// nothing that can be read. Whoever is enrolled owes a factor all the same, and who is not is asked for one until the
// store says so. The control: whom the store clearly knows not to be enrolled goes on.
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
