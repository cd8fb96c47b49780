package learn

import (
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// identity is a place at which the app names the account.
type identity struct {
	// address is a path, perhaps with a query; words are those behind it in the Caddyfile.
	address string
	words   []string
	why     string
	worth   int
	// lettered says that small letters alone are taken for a name.
	lettered bool
	place    *Exchange
	reads    func(*Exchange) string
}

var (
	aboutMe = regexp.MustCompile(`(?i)(^|[/._?=&-])(me|self|whoami|who|user|users|userinfo|account|profile|session|current|current[-_]?user|identity|viewer)($|[/._?=&-])`)
	leaving = regexp.MustCompile(`(?i)log-?_?(out|off)|sign-?_?(out|off)|abmelden|deconnexion|exit$|revoke`)
)

// identities returns the places at which the app names the account, best first. At each the name stood between the
// right login and what followed, and none named it before, or named the account whose password was wrong.
func (r *Recording) identities(o outcome) (found []identity) {
	seen := make(map[string]bool)
	for at := o.right.at; at <= o.until; at++ {
		e := &r.Exchanges[at]
		address := r.plainAddress(e.URL)
		if e.Method != http.MethodGet || e.Status != http.StatusOK || address == "" || leaving.MatchString(address) || at == o.right.at && o.right.Kind != Basic {
			continue
		}
		for _, made := range r.namedIn(e, o.right) {
			made.address, made.place = address, e
			key := address + "\x00" + strings.Join(made.words, "\x00")
			line := Line{Words: append([]string{"identity", address}, made.words...)}
			if seen[key] || r.namesOthers(made, o) || line.write(new(strings.Builder), "") != nil {
				continue
			}
			seen[key] = true
			if aboutMe.MatchString(address) && (made.words[0] != "body" || !strings.Contains(address, "user")) {
				made.worth += 30 // a page about users may show any of them, and administrators only may open it
			}
			made.worth -= strings.Count(address, "/")
			if strings.Contains(address, "?") {
				made.worth -= 5
			}
			made.worth -= min(len(e.Content)>>12, 20)
			found = append(found, made)
		}
	}
	slices.SortStableFunc(found, func(a, b identity) int { return b.worth - a.worth })
	return found
}

// small has a pattern take only small letters for a name.
func (i *identity) small() {
	const group = `([a-z0-9._@-]+)`
	i.lettered = true
	switch i.words[0] {
	case "body":
		i.words[1] = strings.NewReplacer(`([^<\s][^<]*?)`, group, `([^<\s][^<]*)`, group, `([^"]+)`, group, `((?:[^"\\]|\\.)+)`, group).Replace(i.words[1])
	case "header":
		if len(i.words) == 2 {
			i.words = append(i.words, "^"+group+"$")
		}
	}
}

// namedIn returns the places in one answer.
func (r *Recording) namedIn(e *Exchange, right *Attempt) (found []identity) {
	for _, member := range leaves(e.said()) {
		if member.text && !member.listed && sameName(member.value, right.name) {
			pointer := member.pointer
			made := identity{words: []string{"json", pointer}, worth: 50, why: "a member of its JSON is the name that was typed", reads: func(e *Exchange) string {
				for _, member := range leaves(e.said()) {
					if member.pointer == pointer {
						return member.value
					}
				}
				return ""
			}}
			if about.MatchString(lastName(pointer)) {
				made.worth += 10
			}
			made.worth -= 3 * strings.Count(pointer, "/")
			found = append(found, made)
		}
	}
	found = append(found, r.inFileName(e, right)...)
	for name, values := range e.Answer {
		if name != "Set-Cookie" && name != "Location" && len(values) == 1 && sameName(values[0], right.name) {
			found = append(found, identity{
				words: []string{"header", name}, worth: 55, why: "a header of its answer is the name that was typed",
				reads: func(e *Exchange) string { return e.Answer.Get(name) },
			})
		}
	}
	if e.isPage() && !e.asks(right) {
		for _, made := range r.inPage(e, right.name) {
			words := []string{"body", made.text}
			if made.json {
				words = append(words, "json")
			}
			compiled := regexp.MustCompile(made.text)
			found = append(found, identity{words: words, worth: made.worth, why: "its page has the name that was typed there", reads: func(e *Exchange) string {
				if match := compiled.FindSubmatch(e.Content); match != nil {
					return html.UnescapeString(string(match[1]))
				}
				return ""
			}})
		}
	}
	slices.SortStableFunc(found, func(a, b identity) int { return b.worth - a.worth })
	return found
}

var numbers = regexp.MustCompile(`[0-9]+`)

// inFileName finds the name in that of a download, as exports have it.
func (r *Recording) inFileName(e *Exchange, right *Attempt) []identity {
	const header = "Content-Disposition"
	value, name := e.Answer.Get(header), strings.TrimSpace(right.name)
	at := strings.Index(strings.ToLower(value), strings.ToLower(name))
	if name == "" || at < 0 || at+len(name) > len(value) || strings.Count(strings.ToLower(value), strings.ToLower(name)) != 1 || r.Secret(value) {
		return nil
	}
	before, after := value[:at], value[at+len(name):]
	if before == "" || !strings.ContainsAny(before[len(before)-1:], `_-=" `) || after != "" && !strings.ContainsAny(after[:1], `_-." `) {
		return nil
	}
	text := "^" + regexp.QuoteMeta(before) + "(.+)" + numbers.ReplaceAllString(regexp.QuoteMeta(after), "[0-9]+") + "$"
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil
	}
	return []identity{{
		words: []string{"header", header, text}, worth: 50, why: "the name of its download has the name that was typed", reads: func(e *Exchange) string {
			if match := compiled.FindStringSubmatch(e.Answer.Get(header)); match != nil {
				return match[1]
			}
			return ""
		},
	}}
}

// namesOthers reports whether a place names somebody where nobody is signed in, or somebody else: it was asked the same
// before the right login, or is the answer to another attempt.
func (r *Recording) namesOthers(place identity, o outcome) bool {
	for at := range r.Exchanges {
		e := &r.Exchanges[at]
		if at >= o.right.at && at <= o.until {
			if said := place.reads(e); said != "" && r.plainAddress(e.URL) == place.address && e.Status == http.StatusOK && !sameName(said, o.right.name) && !r.left(e, o) {
				return true
			}
			continue
		}
		if e.Status == http.StatusOK && r.plainAddress(e.URL) == place.address && place.reads(e) != "" && !r.earlier(at, o.right) {
			return true
		}
	}
	return false
}

// left reports whether an exchange comes after the sign-out.
func (r *Recording) left(e *Exchange, o outcome) bool {
	for at := o.right.at; at <= o.until; at++ {
		if &r.Exchanges[at] == e {
			return false
		}
		if leaving.MatchString(r.Exchanges[at].URL.RequestURI()) {
			return true
		}
	}
	return true
}

// earlier reports whether the right password was sent before an exchange in front of the right attempt, or the exchange
// comes behind it: then it may well be the account's.
func (r *Recording) earlier(at int, right *Attempt) bool {
	return slices.ContainsFunc(r.attempts, func(attempt Attempt) bool { return attempt.at < at && attempt.password == right.password })
}
