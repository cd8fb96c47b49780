package fault

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBody is the largest body of a request that Vault itself accepts (its max_request_size).
const maxBody = 32 << 20

// Layer is the handler in front of Vault's. Its methods may be called concurrently.
type Layer struct {
	next     http.Handler
	plan     *plan
	requests *counter
}

// NewLayer returns a layer in front of next, without faults. The server that serves it must have ConnContext set to
// this package's function; otherwise a fault that cuts the connection can only end the request.
func NewLayer(next http.Handler) *Layer {
	return &Layer{next: next, plan: newPlan(), requests: newCounter()}
}

// Set replaces the faults; an empty list clears them. Requests that the old ones delay go on. If a fault is invalid
// nothing changes.
func (l *Layer) Set(faults []Fault) error {
	for i, fault := range faults {
		if err := fault.Validate(); err != nil {
			return fmt.Errorf("fault %d: %w", i, err)
		}
	}
	l.plan.set(faults)
	return nil
}

// Faults returns what was set last, used up or not.
func (l *Layer) Faults() []Fault { return l.plan.list() }

// Requests returns the counts since the start or the last Reset. A request counts when it arrives, whatever happens to
// it.
func (l *Layer) Requests() Requests { return l.requests.requests() }

// Reset sets the counts to zero.
func (l *Layer) Reset() { l.requests.reset() }

// ServeHTTP passes the request on, or applies the fault that matches it.
func (l *Layer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if list, err := strconv.ParseBool(r.URL.Query().Get("list")); err == nil && list && method == http.MethodGet {
		method = "LIST"
	}
	l.requests.add(method, r.URL.Path)
	fault, cleared, struck := l.plan.take(method, r.URL.Path)
	if !struck {
		l.next.ServeHTTP(w, r)
		return
	}

	// net/http notices that a client has gone only once the body has been read.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		answer(w, Fault{Status: http.StatusRequestEntityTooLarge})
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))

	if fault.Late {
		r = r.WithContext(context.WithoutCancel(r.Context()))
	}
	switch l.wait(r.Context(), time.Duration(fault.Delay), cleared) {
	case released:
		l.next.ServeHTTP(w, r)
		return
	case abandoned:
		return
	case elapsed:
	}
	switch {
	case fault.Cut == Before:
		hangUp(r.Context(), true)
	case fault.Status != 0:
		answer(w, fault)
	default:
		l.strikeAnswer(w, r, fault, cleared)
	}
}

// strikeAnswer lets Vault carry the request out, and then delays, halves or drops its answer.
func (l *Layer) strikeAnswer(w http.ResponseWriter, r *http.Request, fault Fault, cleared <-chan struct{}) {
	// Vault finishes the request even if its client has gone, as the fault requires.
	kept := newKept()
	l.next.ServeHTTP(kept, r.WithContext(context.WithoutCancel(r.Context())))
	if l.wait(r.Context(), time.Duration(fault.DelayAnswer), cleared) == released {
		kept.send(w)
		return
	}
	switch {
	case fault.Cut == After:
		hangUp(r.Context(), true)
	case fault.Half:
		kept.sendHalf(w)
		hangUp(r.Context(), false)
	default:
		kept.send(w)
	}
}

// How a wait ended.
const (
	elapsed   = iota // the time is over
	released         // the faults were replaced
	abandoned        // the client has gone
)

// wait waits until the time is over, the faults are replaced or the client has gone.
func (l *Layer) wait(ctx context.Context, delay time.Duration, cleared <-chan struct{}) int {
	if delay <= 0 {
		return elapsed
	}
	l.requests.wait(1)
	defer l.requests.wait(-1)
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return elapsed
	case <-cleared:
		return released
	case <-ctx.Done():
		return abandoned
	}
}

// answer sends the fault's status in Vault's form of an error, or with the fault's own body.
func answer(w http.ResponseWriter, fault Fault) {
	retry := fault.RetryAfter
	if retry == 0 && fault.Status == http.StatusTooManyRequests {
		retry = 1
	}
	if retry != 0 {
		w.Header().Set("Retry-After", strconv.Itoa(retry))
	}
	w.Header().Set("Cache-Control", "no-store")
	if fault.Body != "" {
		contentType := "application/json"
		if strings.HasPrefix(strings.TrimSpace(fault.Body), "<") {
			contentType = "text/html; charset=utf-8"
		}
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(fault.Status)
		_, _ = io.WriteString(w, fault.Body)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(fault.Status)
	_ = json.NewEncoder(w).Encode(map[string][]string{"errors": {fault.message()}})
}
