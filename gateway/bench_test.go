package gateway

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/storetest"
)

// discard is a ResponseWriter that costs nothing, so that the benchmark measures the gateway.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(int)             {}
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// verifiedSession makes a session with two of the app's cookies in custody, as a login leaves it.
func verifiedSession(b *testing.B, s *site) string {
	b.Helper()
	policy := custody.Policy{}
	sorted := policy.Sort([]string{
		"ledger_session=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4; Path=/; HttpOnly; SameSite=Lax", "remember=0123456789abcdef; Path=/; HttpOnly",
	}, nil, true)
	jar, _, err := custody.Jar{}.Apply(sorted.Held, "127.0.0.1", "/login", s.clock.Now())
	if err != nil {
		b.Fatal(err)
	}
	token, err := storetest.Create(context.Background(), s.gateway.site.Config.Sessions, session.Data{
		Host: "example.com", State: gate.Verified, Identity: "alice", Proofs: []session.Proof{{Method: "totp", At: s.clock.Now()}},
		Custody: session.Custody{Held: jar, Checked: s.clock.Now()}, Granted: []string{"theme"},
		Created: s.clock.Now(), Since: s.clock.Now(), Seen: s.clock.Now(),
	})
	if err != nil {
		b.Fatal(err)
	}
	return token
}

// browserRequest makes a request as a browser does, without its Cookie header.
func browserRequest() *http.Request {
	r := httptest.NewRequestWithContext(
		context.WithValue(context.Background(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}), "GET", "/api/entries", nil)
	r.Header = http.Header{
		"Accept": {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, "Accept-Encoding": {"gzip, deflate, br"},
		"Accept-Language": {"en-GB,en;q=0.5"}, "User-Agent": {"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"},
		"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Dest": {"document"}, "Referer": {"http://127.0.0.1/"},
		"Upgrade-Insecure-Requests": {"1"}, "Priority": {"u=0, i"},
	}
	return r
}

func app(w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h["Content-Type"] = []string{"text/plain"}
	w.WriteHeader(http.StatusOK)
	_, err := io.WriteString(w, "hello")
	return err
}

// BenchmarkRequest measures a verified request against the same chain without the gateway (contract 8).
func BenchmarkRequest(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		r, w := browserRequest(), &discard{header: make(http.Header)}
		r.Header["Cookie"] = []string{"sallyport=x; theme=dark"}
		b.ReportAllocs()
		for b.Loop() {
			if err := app(w, r); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, name := range []string{"verified", "parallel"} {
		b.Run(name, func(b *testing.B) {
			s := newSite(b, demo.Knobs{}, func(c *Config) { c.Logger = slog.New(slog.DiscardHandler) })
			cookies := []string{"sallyport=" + verifiedSession(b, s) + "; theme=dark"}
			once := func(r *http.Request, w http.ResponseWriter) {
				r.Header["Cookie"] = cookies
				if err := s.gateway.ServeHTTP(w, r, app); err != nil {
					b.Error(err)
				}
			}
			b.ReportAllocs()
			if name == "parallel" {
				b.RunParallel(func(pb *testing.PB) {
					r, w := browserRequest(), &discard{header: make(http.Header)}
					for pb.Next() {
						once(r, w)
					}
				})
				return
			}
			r, w := browserRequest(), &discard{header: make(http.Header)}
			for b.Loop() {
				once(r, w)
			}
		})
	}
}
