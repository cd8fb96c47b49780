package gate

import "sallyport.example/sallyport/internal/match"

// Closes reports whether the operator closed a path, in whatever spelling, to strangers (protect) or to everybody
// (shut).
func (p *Policy) Closes(path match.Path) bool {
	return path.Fits(p.protect.loose) || path.Fits(p.shut.loose)
}
