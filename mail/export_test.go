package mail

// Plain reports whether a sender goes without encryption.
func Plain(s *SMTP) bool { return s.plain }
