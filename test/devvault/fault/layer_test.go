package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// echo answers with method and body, and counts.
type echo struct {
	asked atomic.Int64
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.asked.Add(1)
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-From", "Vault")
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, "%s %s", r.Method, body)
}

// ask sends a request through the layer without a network.
func ask(ctx context.Context, l *Layer, method, path, body string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	l.ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body)))
	return recorder
}

// set sets faults that are valid.
func set(t *testing.T, l *Layer, faults ...Fault) {
	t.Helper()
	if err := l.Set(faults); err != nil {
		t.Fatal(err)
	}
}

func TestPassing(t *testing.T) {
	vault := &echo{}
	l := NewLayer(vault)
	set(t, l, Fault{Method: "PUT", Path: "/v1/secret/*", Status: 503})
	for _, request := range [][2]string{{"GET", "/v1/secret/a"}, {"PUT", "/v1/transit/a"}} {
		got := ask(t.Context(), l, request[0], request[1], "text")
		if got.Code != 201 || got.Body.String() != request[0]+" text" || got.Header().Get("X-From") != "Vault" {
			t.Errorf("%v: %d %v %s", request, got.Code, got.Header(), got.Body)
		}
	}
	if got := ask(t.Context(), l, "PUT", "/v1/secret/a", "text"); got.Code != 503 || vault.asked.Load() != 2 {
		t.Errorf("%d, Vault was asked %d times", got.Code, vault.asked.Load())
	}
}

func TestStatus(t *testing.T) {
	l := NewLayer(&echo{})
	for _, test := range []struct {
		fault       Fault
		body, retry string
	}{
		{Fault{Status: 503}, `{"errors":["Vault is sealed"]}`, ""},
		{Fault{Status: 429}, `{"errors":["request path: rate limit quota exceeded"]}`, "1"},
		{Fault{Status: 429, RetryAfter: 9}, `{"errors":["request path: rate limit quota exceeded"]}`, "9"},
		{Fault{Status: 503, RetryAfter: 2, Message: "later"}, `{"errors":["later"]}`, "2"},
		{Fault{Status: 403, Message: "permission denied"}, `{"errors":["permission denied"]}`, ""},
		{Fault{Status: 418}, `{"errors":["i'm a teapot"]}`, ""},
		{Fault{Status: 502, Body: "<h1>Bad Gateway</h1>"}, "<h1>Bad Gateway</h1>", ""},
	} {
		set(t, l, test.fault)
		got := ask(t.Context(), l, "GET", "/v1/a", "")
		if got.Code != test.fault.Status || strings.TrimSpace(got.Body.String()) != test.body || got.Header().Get("Retry-After") != test.retry {
			t.Errorf("%+v: %d %v %s", test.fault, got.Code, got.Header(), got.Body)
		}
	}
}

func TestSkipAndTimes(t *testing.T) {
	l := NewLayer(&echo{})
	set(t, l,
		Fault{Method: "GET", Status: 500, Skip: 1, Times: 2},
		Fault{Method: "get", Status: 503, Skip: 2, Times: 1},
	)
	// The second sees the first and the fourth request: the first fault takes those between.
	for i, want := range []int{201, 500, 500, 201, 503, 201} {
		if got := ask(t.Context(), l, "GET", "/v1/a", "").Code; got != want {
			t.Errorf("request %d: %d, not %d", i, got, want)
		}
	}
}

// An invalid list changes nothing: the earlier faults stay in force.
func TestSetInvalid(t *testing.T) {
	l := NewLayer(&echo{})
	set(t, l, Fault{Status: 500})
	if err := l.Set([]Fault{{Status: 503}, {}}); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "fault 1") {
		t.Errorf("%v", err)
	}
	if got := ask(t.Context(), l, "GET", "/v1/a", "").Code; got != 500 || len(l.Faults()) != 1 {
		t.Errorf("%d, %v", got, l.Faults())
	}
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vault := &echo{}
		l := NewLayer(vault)
		set(t, l, Fault{Delay: Duration(time.Minute)})
		began := time.Now()
		if got := ask(t.Context(), l, "PUT", "/v1/a", "text"); got.Body.String() != "PUT text" || time.Since(began) != time.Minute {
			t.Errorf("%s after %v", got.Body, time.Since(began))
		}
		set(t, l, Fault{Delay: Duration(time.Minute), Status: 503})
		began = time.Now()
		if got := ask(t.Context(), l, "PUT", "/v1/a", "text"); got.Code != 503 || time.Since(began) != time.Minute {
			t.Errorf("%d after %v", got.Code, time.Since(began))
		}
		if vault.asked.Load() != 1 {
			t.Errorf("Vault was asked %d times", vault.asked.Load())
		}
	})
}

// If a client gives up its request is dropped, except with Late.
func TestDelayAbandoned(t *testing.T) {
	for _, late := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			vault := &echo{}
			l := NewLayer(vault)
			set(t, l, Fault{Delay: Duration(time.Minute), Late: late})
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			ask(ctx, l, "PUT", "/v1/a", "text")
			wanted, asked := time.Second, int64(0)
			if late {
				wanted, asked = time.Minute, 1
			}
			if time.Since(began) != wanted || vault.asked.Load() != asked {
				t.Errorf("late %t: after %v, Vault was asked %d times", late, time.Since(began), vault.asked.Load())
			}
		})
	}
}

// Clearing releases all delayed requests, before or after Vault, without the rest of the fault.
func TestDelayReleased(t *testing.T) {
	for _, fault := range []Fault{
		{Delay: Duration(time.Hour), Status: 503},
		{DelayAnswer: Duration(time.Hour), Half: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := NewLayer(&echo{})
			set(t, l, fault)
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() {
					if got := ask(t.Context(), l, "PUT", "/v1/a", "text"); got.Code != 201 || got.Body.String() != "PUT text" {
						t.Errorf("%d %s", got.Code, got.Body)
					}
				})
			}
			synctest.Wait()
			if got := l.Requests().Waiting; got != 3 {
				t.Errorf("%d wait", got)
			}
			began := time.Now()
			set(t, l)
			all.Wait()
			if time.Since(began) != 0 || l.Requests().Waiting != 0 {
				t.Errorf("after %v, %d wait", time.Since(began), l.Requests().Waiting)
			}
		})
	}
}

func TestDelayAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		vault := &echo{}
		l := NewLayer(vault)
		set(t, l, Fault{DelayAnswer: Duration(time.Minute)})
		done := make(chan *httptest.ResponseRecorder)
		go func() { done <- ask(t.Context(), l, "PUT", "/v1/a", "text") }()
		synctest.Wait()
		if vault.asked.Load() != 1 {
			t.Error("Vault has not been asked yet")
		}
		if got := <-done; got.Code != 201 || got.Body.String() != "PUT text" || got.Header().Get("X-From") != "Vault" {
			t.Errorf("%d %v %s", got.Code, got.Header(), got.Body)
		}
	})
}

// Vault finishes a request even if the client has gone, so that only the answer is lost and not the write.
func TestStruckAnswerIsFinished(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var seen error
	l := NewLayer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel() // the client leaves while Vault is working
		seen = r.Context().Err()
		w.WriteHeader(http.StatusNoContent)
	}))
	set(t, l, Fault{DelayAnswer: Duration(time.Hour)})
	ask(ctx, l, "PUT", "/v1/a", "text")
	if seen != nil {
		t.Errorf("Vault sees that the client has gone: %v", seen)
	}
}

// A body that is larger than Vault takes is not kept in memory.
func TestBodyTooLarge(t *testing.T) {
	vault := &echo{}
	l := NewLayer(vault)
	set(t, l, Fault{Cut: After})
	if got := ask(t.Context(), l, "PUT", "/v1/a", strings.Repeat("a", maxBody+1)); got.Code != 413 || vault.asked.Load() != 0 {
		t.Errorf("%d, Vault was asked %d times", got.Code, vault.asked.Load())
	}
}

func TestRequests(t *testing.T) {
	l := NewLayer(&echo{})
	set(t, l, Fault{Method: "LIST", Status: 403})
	for _, request := range [][2]string{
		{"GET", "/v1/b"}, {"GET", "/v1/a?version=1"}, {"PUT", "/v1/a"}, {"GET", "/v1/a"}, {"GET", "/v1/a?list=true"},
	} {
		ask(t.Context(), l, request[0], request[1], "")
	}
	got := fmt.Sprint(l.Requests().Requests)
	if got != "[{GET /v1/a 2} {LIST /v1/a 1} {PUT /v1/a 1} {GET /v1/b 1}]" {
		t.Error(got)
	}
	if code := ask(t.Context(), l, "GET", "/v1/a?list=true", "").Code; code != 403 {
		t.Errorf("a list is answered %d", code)
	}
	l.Reset()
	if got := l.Requests().Requests; len(got) != 0 {
		t.Error(got)
	}
}
