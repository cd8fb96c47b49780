package walk

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// Factor is an authenticator of the attacker.
type Factor struct {
	// Key is in base32. Skew is how many steps to each side the gateway accepts; these give codes without waiting.
	Key  string
	Skew int64

	last int64
}

// NewFactor makes a Factor from a key that was confirmed just now with the first code of an authenticator of this skew.
func NewFactor(key string, skew int) *Factor {
	return &Factor{Key: key, Skew: int64(skew), last: time.Now().Unix()/30 - int64(skew) + 2}
}

// errNoCode is returned if all codes that are valid now have been used.
var errNoCode = errors.New("no further code for now")

// Code returns a valid code that was not used before.
func (f *Factor) Code() (string, error) {
	now := time.Now().Unix() / 30
	step := max(now-f.Skew+1, f.last+1)
	if step > now+f.Skew {
		return "", errNoCode
	}
	f.last = step
	return hotp.GenerateCodeCustom(f.Key, uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
}

// left reports whether there is an unused code.
func (f *Factor) left() bool {
	now := time.Now().Unix() / 30
	return max(now-f.Skew+1, f.last+1) <= now+f.Skew
}

// browser keeps cookies, whosever they are, and records what the gateway said of its state, and the answers that it
// got.
type browser struct {
	wire   *wire
	target *Target
	// name is its User-Agent, and habit has header lines that go with all its requests.
	name  string
	habit []string

	mu       sync.Mutex
	jar      map[string]string
	tokens   []string // all tokens of the gateway that it has had
	used     bool
	password string // the last value of Authorization, which browsers keep sending
	readings []reading
	answers  []answered
}

// reading is what the gateway said of a session at some time.
type reading struct {
	begun, ended time.Time
	State, User  string
}

// verified reports whether the reading is one of a session that may use the app.
func (r reading) verified() bool { return r.State == "verified" }

// answered is an answer, with the times at which its request began and ended.
type answered struct {
	begun, ended   time.Time
	method, target string
	// lost: the browser did not wait for it. aside: it did other things meanwhile. hasty: one of these, or it hung up.
	lost, aside, hasty bool
	// foreign: another site's page sent the request; alone: and without the gateway's cookie.
	foreign, alone bool
	// body: the request had one.
	body bool
	// password is the request's Authorization.
	password string
	Answer
}

// cookies returns the header line with all cookies of the browser.
func (b *browser) cookies() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(b.jar)) {
		pairs = append(pairs, name+"="+b.jar[name])
	}
	return strings.Join(pairs, "; ")
}

// isOwn reports whether a cookie is the gateway's.
func (t *Target) isOwn(name string) bool { return strings.HasPrefix(name, t.Cookie) }

// take keeps the cookies of an answer.
func (b *browser) take(header http.Header) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, cookie := range (&http.Response{Header: header}).Cookies() {
		if cookie.MaxAge < 0 || cookie.Value == "" {
			delete(b.jar, cookie.Name)
			continue
		}
		b.jar[cookie.Name] = cookie.Value
		if cookie.Name == b.target.Cookie && !slices.Contains(b.tokens, cookie.Value) {
			b.tokens = append(b.tokens, cookie.Value)
		}
	}
}

// lines returns the header lines of a request: a browser's usual ones, except those that more replaces.
func (b *browser) lines(more []string) []string {
	name, lines := "User-Agent: "+b.name, []string{}
	accept := "Accept: text/html,application/xhtml+xml,*/*;q=0.8"
	b.mu.Lock()
	habit := b.habit
	if b.password != "" {
		habit = slices.DeleteFunc(slices.Clone(habit), func(l string) bool { return strings.HasPrefix(l, "Authorization: ") })
	}
	b.mu.Unlock()
	for _, line := range append(slices.Clone(habit), more...) {
		key, value, _ := strings.Cut(line, ": ")
		switch strings.ToLower(key) {
		case "user-agent":
			name += " " + value
		case "accept":
			accept = line
		case "authorization":
			b.mu.Lock()
			b.password = value
			b.mu.Unlock()
		default:
			lines = append(lines, line)
		}
	}
	lines = append(lines, name, accept)
	b.mu.Lock()
	if b.password != "" {
		lines = append(lines, "Authorization: "+b.password)
	}
	b.mu.Unlock()
	if cookies := b.cookies(); cookies != "" {
		lines = append(lines, "Cookie: "+cookies)
	}
	return lines
}

// send sends a request with all that the browser has, and records the answer.
func (b *browser) send(r request) Answer {
	alone := r.trick == Elsewhere
	if alone {
		r.lines = append(r.lines, "Origin: https://other.invalid", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors")
	}
	r.lines = b.lines(r.lines)
	if alone {
		r.lines = slices.DeleteFunc(r.lines, func(l string) bool { return strings.HasPrefix(l, "Cookie: ") })
	}
	begun := time.Now()
	b.mu.Lock()
	b.used = true
	password := b.password
	b.mu.Unlock()
	answer, err := b.wire.send(r)
	if answer.Header != nil {
		b.take(answer.Header)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers = append(b.answers, answered{
		begun: begun, ended: time.Now(), method: r.method, target: r.target, lost: answer.Header == nil || err != nil, Answer: answer,
		aside: r.trick == Slow || r.trick == Hold || r.trick == Twice || r.trick == Live, hasty: r.trick != "" && r.trick != Second && r.trick != Socket,
		foreign: slices.ContainsFunc(r.lines, isForeign), alone: alone, body: r.body != "", password: password,
	})
	return answer
}

// isForeign reports whether a header says that another site's page sent the request.
func isForeign(line string) bool {
	return line == "Origin: https://other.invalid" || line == "Sec-Fetch-Site: cross-site"
}

// get asks for a page.
func (b *browser) get(path string) Answer {
	return b.send(request{method: http.MethodGet, target: path})
}

// look records what the gateway says of the session. If it says nothing, the session may be in the state before or
// after.
func (b *browser) look() reading {
	r := request{method: http.MethodGet, target: b.target.Base + "/status", lines: b.lines(nil)}
	seen := reading{begun: time.Now()}
	answer, err := b.wire.send(r)
	if err != nil || answer.Status != http.StatusOK || json.Unmarshal([]byte(answer.Text), &seen) != nil {
		seen.State = ""
	}
	seen.ended = time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.readings = append(b.readings, seen)
	return seen
}

// during returns the readings from the last one before a moment to the first one after another.
func (b *browser) during(from, to time.Time) (all []reading) {
	before, after := b.around(from, to)
	b.mu.Lock()
	defer b.mu.Unlock()
	all = []reading{before}
	for _, r := range b.readings {
		if r.begun.After(from) && r.ended.Before(to) {
			all = append(all, r)
		}
	}
	return append(all, after)
}

// around returns the reading before a moment and the one after another; the same one twice if there is only one.
func (b *browser) around(from, to time.Time) (before, after reading) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.readings {
		if !r.ended.After(from) {
			before = r
		}
	}
	after = before
	for _, r := range b.readings {
		if !r.begun.Before(to) {
			return before, r
		}
	}
	return before, after
}

var ownToken = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

// own posts a form of one of the gateway's own pages, if the session gets that page.
func (b *browser) own(from, to string, values url.Values) Answer {
	page := b.get(b.target.Base + from)
	found := ownToken.FindStringSubmatch(page.Text)
	if found == nil {
		return page
	}
	values = maps.Clone(values)
	if values == nil {
		values = url.Values{}
	}
	values.Set("csrf_token", found[1])
	return b.send(request{
		method: http.MethodPost, target: b.target.Base + to, body: values.Encode(),
		lines: []string{"Content-Type: application/x-www-form-urlencoded"},
	})
}

// field finds a hidden field of a page.
func field(name, page string) string {
	found := regexp.MustCompile(fmt.Sprintf(`name="%s"[^>]*value="([^"]*)"`, regexp.QuoteMeta(name))).FindStringSubmatch(page)
	if found == nil {
		return ""
	}
	return found[1]
}
