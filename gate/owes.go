package gate

// Owes decides what a password alone is good for: for the challenge, for setting a factor up, or for the app. known
// reports whether the secrets store has said whether the user is enrolled; required, whether everybody has to be. Only
// a clear "not enrolled" ever means that no factor is owed (P6).
func Owes(known, enrolled, required bool) State {
	switch {
	case !known || enrolled:
		return Pending
	case required:
		return Enrolling
	}
	return Verified
}
