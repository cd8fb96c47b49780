package custody

import "slices"

// Equal reports whether two jars hold the same cookies with the same values, in the same order.
func (j Jar) Equal(other Jar) bool {
	return slices.EqualFunc(j.cookies, other.cookies, func(a, b Cookie) bool {
		return a.same(&b) && a.Value == b.Value && a.HostOnly == b.HostOnly && a.Expires.Equal(b.Expires)
	})
}
