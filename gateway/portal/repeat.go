package portal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// If a form is sent twice (by a double click, where no script holds the second one back), the browser drops the answer
// to the first. The first may have used up a code and replaced the session's token. The second then comes with a token
// that is dead, and must not lead to the login page.
//
// So if the browser hung up before it got the answer, the answer is kept for a moment, and given to a client that sends
// the very same form with the same token: the same path, fields, address and browser. For everybody else, and for
// everything else, a replaced token is dead (P8). If a client sends anything else with it, perhaps a guess, the kept
// answer is dropped. A refused form is judged and counted each time (P7). What scripts send is not a form and is not
// kept. The answer is kept in this process; other nodes do not know it.
const (
	repeatWithin = 10 * time.Second
	// maxRepeats is how many forms are remembered at a time. maxRepeated is how often one is answered again.
	maxRepeats, maxRepeated = 4096, 3
	// maxRepeatBody is the largest answer that is kept, in bytes.
	maxRepeatBody = 64 << 10
	// hangUpWithin is how long a second form waits to learn that the browser gave up the first.
	hangUpWithin = 100 * time.Millisecond
)

// repeats are the forms that were sent lately, by the token that they came with. It is safe for concurrent use.
type repeats struct {
	mu    sync.Mutex
	forms map[string]*sentForm
}

// sentForm is a form that is under way, or was answered a moment ago.
type sentForm struct {
	print [sha256.Size]byte
	// left is closed when the browser hangs up while the form is under way. done is closed when the form is answered.
	left <-chan struct{}
	done chan struct{}
	// The following fields are set when done is closed, except times, which is how often the form was answered again.
	unseen bool
	until  time.Time
	// token is the token that replaced the form's; empty if the form's is still alive.
	token  string
	answer recorded
	times  int
}

// recorded is an answer. Without a status it could not be kept.
type recorded struct {
	status int
	header http.Header
	body   bytes.Buffer
}

// printOf returns a hash that distinguishes one form from another.
func printOf(x *Page, body []byte) [sha256.Size]byte {
	hash := sha256.New()
	for _, part := range [][]byte{[]byte(x.Path.Text), body, []byte(x.Client(x.R)), []byte(x.R.UserAgent())} {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return [sha256.Size]byte(hash.Sum(nil))
}

// shown returns the token that the browser sent, dead or alive.
func shown(x *Page) string {
	token, _, _ := x.ShownToken(x.R)
	return token
}

// knows reports whether a form came with this token lately.
func (r *repeats) knows(token string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return token != "" && r.forms[token] != nil
}

// begin notes a form that is under way.
func (r *repeats) begin(token string, form *sentForm, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.forms == nil {
		r.forms = make(map[string]*sentForm)
	}
	for old, other := range r.forms {
		if other.over(now) {
			delete(r.forms, old)
		}
	}
	if len(r.forms) < maxRepeats {
		r.forms[token] = form
	}
}

// over reports whether a form was answered so long ago that it is forgotten.
func (f *sentForm) over(now time.Time) bool {
	select {
	case <-f.done:
		return now.After(f.until) || f.until.Sub(now) > repeatWithin
	default:
		return false
	}
}

// again returns the answer to the same form, if it was sent before and its browser did not see the answer, or holds the
// token that the answer brought. It waits for a form that is under way and was given up.
func (r *repeats) again(ctx context.Context, token string, mark [sha256.Size]byte, clock func() time.Time) (answer recorded, ok bool) {
	r.mu.Lock()
	form := r.forms[token]
	r.mu.Unlock()
	if form == nil {
		return recorded{}, false
	}
	if form.print != mark {
		r.forget(token)
		return recorded{}, false
	}
	late := time.NewTimer(hangUpWithin)
	defer late.Stop()
	select {
	case <-form.done:
	case <-form.left:
		select {
		case <-form.done:
		case <-ctx.Done():
			return recorded{}, false
		}
	case <-late.C:
		return recorded{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.forms[token] != form || form.over(clock()) || form.times >= maxRepeated || form.answer.status == 0 || !form.unseen && token != form.token {
		return recorded{}, false
	}
	form.times++
	return form.answer, true
}

// forget makes a token dead for good.
func (r *repeats) forget(token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.forms, token)
}

// once answers a form and keeps the answer for the moment in which its browser may send the form again. The action runs
// to its end even if the browser gives up, because half of it may be done.
func once(x *Page, token string, mark [sha256.Size]byte, act func() error) error {
	if token == "" {
		return act()
	}
	request := x.R.Context()
	form := &sentForm{print: mark, left: request.Done(), done: make(chan struct{})}
	x.site.repeats.begin(token, form, x.Now)
	w, r := x.W, x.R
	recorder := &recorder{ResponseWriter: w}
	x.W, x.R = recorder, r.WithContext(context.WithoutCancel(request))
	finished := false
	defer func() {
		x.W, x.R = w, r
		x.site.repeats.mu.Lock()
		form.unseen, form.until = request.Err() != nil, x.Config.Now().Add(repeatWithin)
		if kept := &recorder.recorded; finished && kept.status < http.StatusBadRequest && kept.body.Len() <= maxRepeatBody {
			form.answer = *kept
		}
		if form.answer.status != 0 && x.Token != "" && x.Token != token && x.site.repeats.forms[token] == form {
			form.token, x.site.repeats.forms[x.Token] = x.Token, form
		}
		x.site.repeats.mu.Unlock()
		close(form.done)
	}()
	err := act()
	finished = err == nil
	return err
}

// repeat sends a kept answer once more.
func repeat(x *Page, answer recorded) error {
	h := x.W.Header()
	for name, values := range answer.header {
		h[name] = values
	}
	x.W.WriteHeader(answer.status)
	_, err := x.W.Write(answer.body.Bytes())
	return err
}

// recorder keeps what is written through it.
type recorder struct {
	http.ResponseWriter
	recorded
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status, r.header = status, r.Header().Clone()
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status, r.header = http.StatusOK, r.Header().Clone()
	}
	if r.body.Len() <= maxRepeatBody {
		_, _ = r.body.Write(p) // Write to a bytes.Buffer never fails
	}
	return r.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
