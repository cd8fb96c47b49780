package factor

// Key names one record: one user of one app.
type Key struct {
	// App is the protected application; users of different apps never share a record.
	App string
	// User is the identity exactly as it was established. It may hold any characters, so a Store must never use it as
	// a path or a pattern.
	User string
}
