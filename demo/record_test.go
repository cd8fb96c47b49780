package demo

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

func TestReceived(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{Record: 3, LoosePaths: true}})
	b.asAlice()
	b.app.ForgetReceived()
	b.post("/Entries;x?y=1", url.Values{"text": {"Tea"}}, "X-Odd", "1")
	got := b.app.Received()
	if len(got) != 1 {
		t.Fatalf("%d requests", len(got))
	}
	first := got[0]
	if first.Login != "alice" || first.Method != http.MethodPost || first.URI != "/Entries;x?y=1" || first.Path != "/entries" ||
		string(first.Body) != "text=Tea" || first.Header.Get("X-Odd") != "1" || !strings.Contains(first.Header.Get("Cookie"), SessionCookie) {
		t.Errorf("%+v", first)
	}
	for _, path := range []string{"/1", "/2", "/3", "/4"} {
		b.get(path)
	}
	got = b.app.Received()
	if len(got) != 3 || got[0].URI != "/2" || got[2].URI != "/4" {
		t.Errorf("%+v", got)
	}
	b.send(http.MethodPost, "/sink", strings.Repeat("x", 2*recordedBody))
	if kept := b.app.Received()[2].Body; len(kept) != recordedBody {
		t.Errorf("%d bytes are kept", len(kept))
	}
}

func TestNothingIsRecordedUnasked(t *testing.T) {
	b := open(t, Options{})
	b.get("/login")
	if got := b.app.Received(); len(got) != 0 {
		t.Errorf("%d requests", len(got))
	}
}

func TestReceivedInParallel(t *testing.T) {
	b := open(t, Options{Knobs: Knobs{Record: 5}})
	var group sync.WaitGroup
	for range 8 {
		c := b.another()
		group.Go(func() {
			for range 10 {
				c.send(http.MethodPost, "/login", "x=y", "Content-Type", "application/x-www-form-urlencoded")
				b.app.Received()
			}
		})
	}
	group.Wait()
	if got := b.app.Received(); len(got) != 5 {
		t.Errorf("%d requests", len(got))
	}
}
