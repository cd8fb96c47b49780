package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	pick "math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"sallyport.example/sallyport/event"
)

const (
	// maxWaiting is how many notices may wait for a receiver. One more loses the newest.
	maxWaiting = 1000
	// maxAge is how long a notice is tried at most.
	maxAge = 24 * time.Hour
	// firstRetry is the pause after the first failure. It doubles up to longestRetry; up to half of it is taken off at
	// random, so that many gateways do not come back at the same moment.
	firstRetry   = 2 * time.Second
	longestRetry = time.Minute
	// maxRefusals is how often a receiver may refuse a notice that it has understood to have come (4xx, 3xx). The
	// notices behind it must not wait for ever.
	maxRefusals = 5
	// attemptPatience bounds one attempt.
	attemptPatience = 10 * time.Second
	// closePatience is how long Close has notices sent that wait, if the receiver is there.
	closePatience = 3 * time.Second
)

// WebhookOptions are the settings of a Webhook. URL, Secret and App are required.
type WebhookOptions struct {
	// URL is where notices are posted to, and Secret what they are signed with.
	URL    string
	Secret []byte
	// App is the app's name, for Count and Logger.
	App string
	// Count is called for each notice that was sent or lost, and with Failed for each attempt that is repeated.
	// Default: nobody counts.
	Count Count
	// Logger gets what an operator should know. Default: messages are discarded.
	Logger *slog.Logger
	// Transport makes the requests. Default: one of its own, like http.DefaultTransport.
	Transport http.RoundTripper
}

// Webhook is a Sink that posts notices to an address, one after the other and in order. They wait in memory: what a
// receiver does not take for long is lost, and counted. Make one for each address and keep it over reloads.
type Webhook struct {
	options WebhookOptions
	client  *http.Client
	life    context.Context // ends when Close gives up
	end     context.CancelFunc

	mutex   sync.Mutex
	waiting []notice
	running chan struct{} // closed when the goroutine that sends has ended; nil without one
	closed  bool
	failing bool // the last attempt failed
	losing  bool // the log has it that there is no more room
}

// notice is one that waits.
type notice struct {
	delivery string
	event    event.Event
	made     time.Time
}

// NewWebhook makes a Webhook. It has no goroutine while nothing waits.
func NewWebhook(options WebhookOptions) *Webhook {
	if options.Count == nil {
		options.Count = func(string, string, string) {}
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Transport == nil {
		options.Transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	w := &Webhook{options: options, client: &http.Client{
		Transport: options.Transport, Timeout: attemptPatience,
		// A redirect could lead a notice anywhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	w.life, w.end = context.WithCancel(context.Background())
	return w
}

// CheckWebhookURL checks an address.
func CheckWebhookURL(address string) error {
	parsed, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("the address is malformed") // the error would quote it
	case parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Host == "":
		return errors.New("want an address such as https://hooks.example.com/sallyport")
	case parsed.Fragment != "":
		return errors.New("an address has no fragment (#)")
	}
	return nil
}

// Emit implements event.Sink.
func (w *Webhook) Emit(_ context.Context, e event.Event) {
	if !Tells(e.Name) {
		return
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.closed || len(w.waiting) >= maxWaiting {
		w.options.Count(w.options.App, "webhook", Lost)
		if !w.losing {
			w.losing = true
			w.options.Logger.Warn("the receiver of a webhook is away, and no more notices can wait for it: they are lost",
				"setting", "notify webhook", "app", w.options.App, "event", string(e.Name))
		}
		return
	}
	w.waiting = append(w.waiting, notice{delivery: rand.Text(), event: e, made: time.Now()})
	if w.running == nil {
		w.running = make(chan struct{})
		go w.run(w.running)
	}
}

// next is the notice that waits longest; it goes on waiting until drop.
func (w *Webhook) next() (notice, bool) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if len(w.waiting) == 0 || w.life.Err() != nil {
		w.running, w.waiting = nil, nil
		return notice{}, false
	}
	return w.waiting[0], true
}

func (w *Webhook) drop() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.waiting = w.waiting[1:]
	w.losing = w.losing && len(w.waiting) > maxWaiting/2
}

// run sends what waits until nothing does.
func (w *Webhook) run(done chan struct{}) {
	defer close(done)
	for {
		next, ok := w.next()
		if !ok {
			return
		}
		err := w.deliver(next)
		if w.life.Err() != nil {
			continue // Close has counted what waited, this one included
		}
		w.drop()
		if err == nil {
			w.options.Count(w.options.App, "webhook", Sent)
			continue
		}
		w.options.Count(w.options.App, "webhook", Lost)
		w.options.Logger.Warn("a notice was given up: the receiver of the webhook does not take it", "setting", "notify webhook",
			"app", w.options.App, "event", string(next.event.Name), "delivery", next.delivery, "error", err)
	}
}

// deliver tries until the receiver has the notice, or it is to be given up.
func (w *Webhook) deliver(n notice) error {
	body, err := json.Marshal(contentOf(n.event))
	if err != nil {
		return err
	}
	pause, refusals := firstRetry, 0
	for {
		err := w.attempt(n, body)
		w.fails(err)
		if err == nil {
			return nil
		}
		var refused refusal
		if errors.As(err, &refused) {
			refusals++
		}
		if refusals >= maxRefusals || time.Since(n.made)+pause > maxAge || w.life.Err() != nil {
			return err
		}
		w.options.Count(w.options.App, "webhook", Failed)
		if !w.rest(pause/2 + pick.N(pause/2)) { //nolint:gosec // spreads load, keeps no secret
			return err
		}
		pause = min(2*pause, longestRetry)
	}
}

// fails notes how an attempt went. The log has the first failure, and the end of failures.
func (w *Webhook) fails(err error) {
	w.mutex.Lock()
	changed := w.failing != (err != nil)
	w.failing = err != nil
	w.mutex.Unlock()
	switch {
	case !changed || w.life.Err() != nil:
	case err != nil:
		w.options.Logger.Warn("the receiver of a webhook does not take notices; they wait, and are tried again",
			"setting", "notify webhook", "app", w.options.App, "error", err)
	default:
		w.options.Logger.Info("the receiver of a webhook takes notices again", "setting", "notify webhook", "app", w.options.App)
	}
}

// rest waits; it returns false if Close gives up meanwhile.
func (w *Webhook) rest(pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.life.Done():
		return false
	}
}

// contentOf is what a notice says: the fields of the audit log, and when it was.
func contentOf(e event.Event) map[string]any {
	content := e.Fields()
	content["time"] = e.At.UTC().Format(time.RFC3339)
	return content
}

// refusal is an answer by which the receiver does not want this notice.
type refusal int

func (r refusal) Error() string { return fmt.Sprintf("the answer was %d", int(r)) }

// attempt posts a notice once. Its errors have no address: that may hold a secret.
func (w *Webhook) attempt(n notice, body []byte) error {
	request, err := http.NewRequestWithContext(w.life, http.MethodPost, w.options.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address is malformed")
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Sallyport")
	request.Header.Set("X-Sallyport-Timestamp", now)
	request.Header.Set("X-Sallyport-Signature", "sha256="+Sign(w.options.Secret, now, body))
	request.Header.Set("X-Sallyport-Delivery", n.delivery)
	answer, err := w.client.Do(request)
	if err != nil {
		var about *url.Error
		if errors.As(err, &about) {
			return about.Err
		}
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 4<<10)) // so that the connection can be used again
	switch code := answer.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusRequestTimeout || code == http.StatusTooEarly || code == http.StatusTooManyRequests || code >= 500:
		return fmt.Errorf("the answer was %d", code)
	default:
		return refusal(code)
	}
}

// Sign is the signature of a notice, in hexadecimal: HMAC-SHA256 over the timestamp, a dot and the body.
func Sign(secret []byte, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Close has what waits sent, for a few seconds and if the receiver is there, and gives up the rest. Events that come
// later are lost.
func (w *Webhook) Close() {
	w.mutex.Lock()
	w.closed = true
	running, failing := w.running, w.failing
	w.mutex.Unlock()
	if running != nil && !failing {
		patience := time.NewTimer(closePatience)
		defer patience.Stop()
		select {
		case <-running:
		case <-patience.C:
		}
	}
	w.mutex.Lock()
	left := len(w.waiting)
	w.end()
	w.mutex.Unlock()
	if running != nil {
		<-running
	}
	w.client.CloseIdleConnections()
	if left == 0 {
		return
	}
	for range left {
		w.options.Count(w.options.App, "webhook", Lost)
	}
	w.options.Logger.Warn("notices were lost at the end of a configuration: the receiver of the webhook has not taken them",
		"setting", "notify webhook", "app", w.options.App, "lost", left)
}

var _ event.Sink = (*Webhook)(nil)
