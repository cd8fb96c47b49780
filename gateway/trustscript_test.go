package gateway

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/factor"
)

// trustNonce is what the status tells the guard's dialog to make a proof for; empty for nothing.
func trustNonce(t testing.TB, b *browser) string {
	t.Helper()
	var status struct {
		Trust struct{ Nonce, Key, Device string }
	}
	if err := json.Unmarshal([]byte(b.get("/second-factor/status").body), &status); err != nil {
		t.Fatal(err)
	}
	return status.Trust.Nonce
}

// askedByScript signs bob in with a code in the guard's dialog, up to the question; more stands beside the code.
func askedByScript(t testing.TB, more string) (s *site, b *browser) {
	t.Helper()
	s = trustingSite(t, factor.NewMemoryStore())
	s.gateway.site.Config.Guard = true
	b = s.as(linuxFirefox)
	b.signIn("bob", demo.BobPassword)
	key := b.enrol()
	b.get("/second-factor/recovery-codes")
	b.own("/", "/logout", nil)
	if got := trustNonce(t, b); got != "" {
		t.Errorf("a stranger is told %q", got)
	}
	b.signIn("bob", demo.BobPassword)
	if got := trustNonce(t, b); got != "" {
		t.Errorf("who owes the code, in a browser that nobody trusts, is told %q", got)
	}
	if got := b.send(http.MethodPost, "/second-factor/trust", `{"trust":"yes"}`, asScript); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("without the code: %d", got.StatusCode)
	}
	s.clock.Advance(30 * time.Second)
	if got := b.send(http.MethodPost, "/second-factor/challenge", `{"code":"`+s.code(key)+`"`+more+`}`, asScript); got.StatusCode != http.StatusNoContent {
		t.Fatalf("the code: %d %s", got.StatusCode, got.body)
	}
	return s, b
}

// TestP5_TrustByScriptNeedsTheCode: a script of the app's, or of another site, would have bob's browser trusted for a
// month where nobody has been asked: later, twice, or without the question.
func TestP5_TrustByScriptNeedsTheCode(t *testing.T) {
	const asks = `,"then":"ask"`
	trust := func(b *browser, more http.Header) answer {
		t.Helper()
		header := asScript.Clone()
		for name, values := range more {
			header[name] = values
		}
		return b.send(http.MethodPost, "/second-factor/trust", `{"trust":"yes"}`, header)
	}
	t.Run("control: at once", func(t *testing.T) {
		_, b := askedByScript(t, asks)
		if trustNonce(t, b) == "" {
			t.Error("the dialog is not told to ask")
		}
		if got := trust(b, nil); got.StatusCode != http.StatusNoContent || b.cookies()[trustedBrowser] == "" {
			t.Errorf("%d %s", got.StatusCode, got.body)
		}
		if trustNonce(t, b) != "" {
			t.Error("the dialog is told to ask again")
		}
		b.own("/", "/logout", nil)
		wantNoChallenge(t, b)
	})
	for name, attack := range map[string]func(t *testing.T) (*browser, answer){
		"later": func(t *testing.T) (*browser, answer) {
			s, b := askedByScript(t, asks)
			s.clock.Advance(6 * time.Minute)
			return b, trust(b, nil)
		},
		"without the question": func(t *testing.T) (*browser, answer) {
			_, b := askedByScript(t, "")
			return b, trust(b, nil)
		},
		"after an answer": func(t *testing.T) (*browser, answer) {
			_, b := askedByScript(t, asks)
			if got := b.send(http.MethodPost, "/second-factor/trust", `{"trust":"no"}`, asScript); got.StatusCode != http.StatusNoContent {
				t.Errorf("no: %d", got.StatusCode)
			}
			return b, trust(b, nil)
		},
		"from another site": func(t *testing.T) (*browser, answer) {
			_, b := askedByScript(t, asks)
			got := trust(b, http.Header{"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}})
			if got.StatusCode != http.StatusForbidden {
				t.Errorf("answered with %d", got.StatusCode)
			}
			return b, got
		},
		"after the factors have changed": func(t *testing.T) (*browser, answer) {
			s, b := askedByScript(t, asks)
			if _, err := s.gateway.site.Config.Factors.NewRecoveryCodes(t.Context(), "bob"); err != nil {
				t.Fatal(err)
			}
			return b, trust(b, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, got := attack(t)
			if b.cookies()[trustedBrowser] != "" {
				t.Errorf("the browser got a secret, with %d", got.StatusCode)
			}
			if strings.Contains(got.body, "<html") {
				t.Errorf("a script gets a page: %s", got.body)
			}
		})
	}
}

// TestTrustByScriptOnce: of two values for one field readers differ in which they take, so there is none.
func TestTrustByScriptOnce(t *testing.T) {
	_, b := askedByScript(t, `,"then":"ask"`)
	for _, body := range []string{`{"trust":"no","trust":"yes"}`, `{"trust":"no","Trust":"yes"}`, `{"trust":true}`, `{"trust":["yes"]}`} {
		if got := b.send(http.MethodPost, "/second-factor/trust", body, asScript); got.StatusCode != http.StatusBadRequest || b.cookies()[trustedBrowser] != "" {
			t.Errorf("%s: %d", body, got.StatusCode)
		}
	}
}
