package gate

import "testing"

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
