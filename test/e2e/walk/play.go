package walk

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"sallyport.example/sallyport/test/e2e/tap"
)

// browsers is how many the attacker has.
const browsers = 3

// plays counts the sequences of this process, so that requests of different sequences can be distinguished.
var plays atomic.Int64

// play is one sequence in progress.
type play struct {
	target   *Target
	wire     *wire
	browsers [browsers]*browser
	enrolled *Enrolled
	number   int64
	// right are the accounts whose right password was used.
	right map[string]bool
	// open are requests that are not finished.
	open []*openRequest
	// last is the browser that moved last.
	last *browser
	// seen is what reached the app, known at the end.
	seen []tap.Seen
}

// openRequest is a request that is finished after the next move.
type openRequest struct {
	release chan struct{}
	done    sync.WaitGroup
}

// newPlay begins with fresh browsers.
func newPlay(target *Target, w *wire, sequence Sequence) *play {
	p := &play{target: target, wire: w, number: plays.Add(1), right: map[string]bool{}, enrolled: target.nextEnrolled()}
	for i := range p.browsers {
		p.browsers[i] = &browser{
			wire: w, target: target, habit: p.habits(sequence.Habit), jar: map[string]string{}, name: fmt.Sprintf("walk/%d/%d", p.number, i),
		}
	}
	return p
}

// run plays a sequence and says what was wrong.
func run(target *Target, w *wire, sequence Sequence) []Violation {
	target.Tap.Forget()
	p := newPlay(target, w, sequence)
	for _, move := range sequence.Moves {
		p.do(move)
	}
	p.finish(p.open)
	p.open, p.last = nil, nil
	for i, b := range p.browsers {
		if b.used {
			p.do(Move{Kind: Look, Client: i})
		}
	}
	target.Tap.Wait()
	return p.judge()
}

// habits returns the lines that go with all requests, and records whose passwords they have.
func (p *play) habits(lines []string) (all []string) {
	for _, line := range lines {
		line = p.own(line)
		p.proved(line)
		all = append(all, line)
	}
	return all
}

// proved records whose right password a header line has.
func (p *play) proved(line string) {
	for _, account := range p.target.accounts() {
		if value, found := strings.CutPrefix(line, "Authorization: "); found && account.proves(value) {
			p.right[account.Typed[0]] = true
		}
	}
}

// nextEnrolled returns an account whose factor has codes left, if there is one.
func (t *Target) nextEnrolled() *Enrolled {
	for i := range t.Enrolled {
		if enrolled := t.Enrolled[(int(plays.Load())+i)%len(t.Enrolled)]; enrolled.Factor.left() {
			return enrolled
		}
	}
	return nil
}

// finish finishes requests that were left open.
func (p *play) finish(open []*openRequest) {
	for _, request := range open {
		close(request.release)
		request.done.Wait()
	}
}

func (p *play) do(move Move) {
	b := p.browsers[move.Client%browsers]
	if move.Right != "" {
		p.right[move.Right] = true
	}
	open := p.open
	p.open = nil
	if p.last != b || len(open) > 0 {
		b.look() // otherwise nothing has happened since
	}
	p.last = b
	switch move.Kind {
	case Send:
		p.send(b, move)
	case SignIn:
		p.signIn(b, move.What)
	case Code:
		p.code(b, move.What)
	case Recovery:
		p.recovery(b)
	case Touch, Text, Plant:
		p.doFurther(move, b, p.browsers[move.From%browsers])
	case SetUp:
		b.own("/", "/setup", nil)
		b.get(p.target.Base + "/setup")
	case Leave:
		from := "/"
		if !b.look().verified() {
			from = "/challenge"
		}
		b.own(from, "/logout", nil)
	case Copy:
		p.copy(b, p.browsers[move.From%browsers], move.What)
	case Replay:
		b.mu.Lock()
		if len(b.tokens) > 0 {
			b.jar[p.target.Cookie] = b.tokens[move.From%len(b.tokens)]
		}
		b.mu.Unlock()
	case Look:
		for _, path := range slices.Concat(p.target.Pages, p.target.Public, []string{p.target.Base + "/resume"}) {
			b.get(path)
		}
	}
	b.look()
	p.finish(open)
	if len(open) > 0 {
		b.look()
	}
}

// own replaces the placeholders in a text with the attacker's own enrolled account.
func (p *play) own(text string) string {
	if p.enrolled == nil {
		return text
	}
	name, password := p.enrolled.Typed[0], p.enrolled.Password
	return strings.NewReplacer(
		OwnName, name, url.QueryEscape(OwnName), name, OwnPassword, password, url.QueryEscape(OwnPassword), password,
		"{own-basic}", base64.StdEncoding.EncodeToString([]byte(name+":"+password)),
	).Replace(text)
}

func (p *play) send(b *browser, move Move) {
	r := request{method: move.Method, target: p.own(move.Target), body: p.own(move.Body), chunked: move.Chunked, trick: move.Trick}
	for _, line := range move.Header {
		line = p.own(line)
		p.proved(line)
		r.lines = append(r.lines, line)
	}
	if move.Token != "" {
		page, name, _ := strings.Cut(move.Token, " ")
		r.body = strings.ReplaceAll(r.body, "{token}", url.QueryEscape(field(name, b.get(page).Text)))
	}
	switch move.Trick {
	case Hold, Slow:
		open := &openRequest{release: make(chan struct{})}
		r.release = open.release
		open.done.Go(func() { b.send(r) })
		p.open = append(p.open, open)
	case Live:
		open, came := &openRequest{release: make(chan struct{})}, make(chan struct{})
		var once sync.Once
		r.lines = append(r.lines, tap.Live+": live:200")
		r.head = func(header http.Header) {
			b.take(header)
			once.Do(func() { close(came) })
		}
		open.done.Go(func() {
			b.send(r)
			once.Do(func() { close(came) })
		})
		<-came
		p.open = append(p.open, open)
	case Twice:
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() { b.send(r) })
		}
		both.Wait()
	default:
		b.send(r)
	}
}

// signIn signs in as an honest user does.
func (p *play) signIn(b *browser, name string) {
	account := p.target.Plain
	if name == OwnName && p.enrolled != nil {
		account = p.enrolled.Account
	}
	p.right[account.Typed[0]] = true
	door := p.target.Doors[0]
	r := request{method: "POST", target: door.Path}
	switch {
	case door.Basic:
		r.method, r.lines = "GET", []string{"Authorization: " + basic(account.Typed[0], account.Password)}
	case door.JSON != "":
		r.body, r.lines = fmt.Sprintf(door.JSON, account.Typed[0], account.Password), []string{"Content-Type: application/json"}
	default:
		values := url.Values{door.Form[0]: {account.Typed[0]}, door.Form[1]: {account.Password}}
		maps.Copy(values, door.More)
		if door.Token != "" {
			values.Set(door.Token, field(door.Token, b.get(door.Page).Text))
		}
		r.body, r.lines = values.Encode(), []string{"Content-Type: application/x-www-form-urlencoded"}
	}
	b.send(r)
	if name == OwnName {
		p.code(b, "")
	}
}

// code answers the challenge, whosever it is, with a code of the attacker's own factor.
func (p *play) code(b *browser, what string) {
	state := b.look().State
	if p.enrolled == nil || state != "pending" {
		return
	}
	code, err := p.enrolled.Factor.Code()
	if err != nil {
		return
	}
	values := url.Values{"code": {code}}
	if what == remembering {
		values.Set("trust", "yes")
	}
	b.own("/challenge", "/challenge", values)
}

// remembering says that the browser is to be trusted from then on.
const remembering = "remembering the browser"

func (p *play) recovery(b *browser) {
	if p.enrolled == nil || len(p.enrolled.Recovery) == 0 || b.look().State != "pending" {
		return
	}
	b.own("/recovery", "/recovery", url.Values{"code": {p.enrolled.Recovery[0]}})
	p.enrolled.Recovery = p.enrolled.Recovery[1:]
}

func (p *play) copy(to, from *browser, what string) {
	if to == from {
		return
	}
	from.mu.Lock()
	jar := maps.Clone(from.jar)
	from.mu.Unlock()
	to.mu.Lock()
	defer to.mu.Unlock()
	for name, value := range jar {
		if p.target.isOwn(name) == (what == theGateways) {
			to.jar[name], to.used = value, true
		}
	}
}

// Whose cookies are copied.
const (
	theGateways = "the gateway's"
	theApps     = "the app's"
)
