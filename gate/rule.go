package gate

import "sallyport.example/sallyport/internal/match"

// Rule is the operator's rule that decided the place of a request. The zero Rule means that no rule covers the request,
// which is then protected.
type Rule struct {
	// Word is the word of the configuration that decided.
	Word Word
	// Pattern is the pattern behind the word that matches the request, as the operator wrote it.
	Pattern string
	// Login is the number of the login block, counted from 1; 0 if none decided.
	Login int
}

// Word is a word of the configuration that decides on places.
type Word string

// The words that decide on places.
const (
	WordNone      Word = ""
	WordBase      Word = "base"
	WordLogin     Word = "login"
	WordLoginPage Word = "login_page"
	WordLogout    Word = "logout"
	WordProtect   Word = "protect"
	WordPublic    Word = "public"
	WordRefresh   Word = "refresh"
	WordShut      Word = "shut"
)

// closers are patterns of a word that closes paths, in the form that is compared with a path's loosest reading.
type closers struct {
	loose match.Globs
	// rules are the patterns as the operator wrote them, one for each of loose.
	rules []Rule
}

// add prepares the patterns of a word.
func (c *closers) add(word Word, patterns match.Globs) {
	for _, pattern := range patterns {
		for _, loose := range match.LooseGlob(pattern) {
			c.loose = append(c.loose, loose)
			c.rules = append(c.rules, Rule{Word: word, Pattern: string(pattern)})
		}
	}
}

// close returns the rule that closes a path, and reports whether there is one.
func (c *closers) close(path match.Path) (Rule, bool) {
	at := path.Fit(c.loose)
	if at < 0 {
		return Rule{}, false
	}
	return c.rules[at], true
}
