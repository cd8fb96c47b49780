package gate

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
