package pages

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sallyport.example/sallyport/pages"
	driver "sallyport.example/sallyport/test/e2e/browser"
)

// guarded is an app that signs in by script, with simulated answers of a gateway.
type guarded struct {
	*httptest.Server
	mu sync.Mutex
	// state is the session's; codes are the answers to codes, in turn.
	state    string
	remember time.Duration
	// asked are the requests, in order: method, path and body.
	asked []string
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{state: "anonymous"}
	r, err := pages.NewThemed(pages.Options{Brand: pages.Brand{Colour: "#0f6b5c"}})
	if err != nil {
		t.Fatal(err)
	}
	required := func(w http.ResponseWriter, resume string) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = fmt.Fprintf(w, `{"type":"https://sallyport.invalid/second-factor-required","status":401,"challenge":"/second-factor/challenge"%s}`, resume)
	}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		g.mu.Lock()
		defer g.mu.Unlock()
		if strings.HasPrefix(request.URL.Path, "/api/") || request.Method == http.MethodPost {
			g.asked = append(g.asked, strings.TrimSpace(request.Method+" "+request.URL.Path+" "+request.Header.Get("X-App")+" "+string(body)))
		}
		switch request.URL.Path {
		case "/app":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			// The strictest policy that lets the app's own scripts run.
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'")
			_, _ = io.WriteString(w, `<!DOCTYPE html><html lang="en"><head><title>App</title><script src="/second-factor/guard.js"></script><script src="/second-factor/guard.js"></script></head><body><main><h1>App</h1></main></body></html>`)
		case "/strict":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-r4nd0m'; connect-src 'self'; require-trusted-types-for 'script'")
			_, _ = io.WriteString(w, `<!DOCTYPE html><html lang="en"><head><title>App</title><script src="/second-factor/guard.js" nonce="r4nd0m"></script></head><body><main><h1>App</h1></main></body></html>`)
		case "/second-factor/guard.js", "/second-factor/guard-dialog.js":
			made := r.Guard
			if request.URL.Path != "/second-factor/guard.js" {
				made = r.GuardDialog
			}
			script, err := made(pages.GuardView{
				Common: pages.Common{App: "Example Wiki", Base: "/second-factor", Languages: request.Header.Get("Accept-Language")}, Digits: 6, Remember: g.remember,
			})
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write(script)
		case "/second-factor/status":
			status := map[string]any{"state": g.state, "user": "ada", "methods": []string{"totp", "recovery"}}
			if g.state == "verified" && g.remember > 0 {
				status["trust"] = map[string]string{"nonce": "n0nce"}
			}
			_ = json.NewEncoder(w).Encode(status)
		case "/second-factor/trust":
			w.WriteHeader(http.StatusNoContent)
		case "/second-factor/challenge":
			if strings.Contains(string(body), "123456") {
				g.state = "verified"
				w.WriteHeader(http.StatusNoContent)
				return
			}
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, `{"title":"Wrong code","detail":"That code is wrong."}`)
		case "/second-factor/resume":
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"token":"secret"}`)
		case "/api/elsewhere":
			// The app's own answer, made to look like the gateway's.
			g.state = "pending"
			required(w, `,"resume":"/api/data"`)
		case "/api/login":
			g.state = "pending"
			required(w, `,"resume":"/second-factor/resume"`)
		case "/api/data":
			if g.state != "verified" {
				required(w, "")
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"sent":%q}`, body)
		case "/api/refused":
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"type":"about:blank","title":"of the app's own"}`)
		default:
			http.NotFound(w, request)
		}
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *guarded) set(state string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state, g.asked = state, nil
}

func (g *guarded) requests() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.asked...)
}

// xhr is a function for pages that makes a call with XMLHttpRequest and records every event, as an app's library does.
const xhr = `
	window.call = function (method, path, body, kind, early) {
		return new Promise(function (done) {
			var request = new XMLHttpRequest(), heard = [];
			function listen() {
				request.onreadystatechange = function () { heard.push(request.readyState); };
				request.addEventListener("load", function () { heard.push("load " + request.status); });
				request.onloadend = function () {
					heard.push("end");
					var answer = request.response;
					if (answer instanceof ArrayBuffer) { answer = new TextDecoder().decode(answer); }
					done(JSON.stringify([heard, typeof answer === "string" ? answer : JSON.stringify(answer)]));
				};
			}
			if (early) { listen(); }
			request.open(method, path);
			request.responseType = kind;
			request.setRequestHeader("X-App", "1");
			if (!early) { listen(); }
			request.send(body);
		});
	}; 0`

// do evaluates a script in the page, which may be a promise.
func do(ctx context.Context, t *testing.T, script string) string {
	t.Helper()
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return got
}

// begin starts a call whose result is waited for later.
func begin(ctx context.Context, t *testing.T, name, call string) {
	t.Helper()
	do(ctx, t, `window.`+name+` = `+call+`; "begun"`)
}

// dialogIs waits until the dialog is there, or is not.
func dialogIs(ctx context.Context, t *testing.T, there bool) {
	t.Helper()
	do(ctx, t, fmt.Sprintf(`new Promise(function look(done) {
		var host = document.documentElement.lastElementChild, open = !!host.shadowRoot && !!host.shadowRoot.activeElement;
		open === %t ? done("") : setTimeout(look, 10, done);
	})`, there))
}

func typing(ctx context.Context, t *testing.T, keys string) {
	t.Helper()
	dialogIs(ctx, t, true)
	if err := chromedp.Do(ctx, chromedp.KeyEvent(keys)); err != nil {
		t.Fatal(err)
	}
}

const dialogText = `document.documentElement.lastElementChild.shadowRoot.querySelector("dialog").innerText`

// TestGuard: an app that signs in by script only notices that signing in takes longer.
func TestGuard(t *testing.T) {
	ctx, g := browser(t), newGuarded(t)
	if err := screen(ctx, 390, "light", true); err != nil {
		t.Fatal(err)
	}
	open := func() {
		t.Helper()
		if err := chromedp.Do(ctx, chromedp.Navigate(g.URL+"/app")); err != nil {
			t.Fatal(err)
		}
		do(ctx, t, xhr+`; "ready"`)
		g.set("anonymous")
	}
	wantRequests := func(want ...string) {
		t.Helper()
		if got := g.requests(); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("the requests:\n%s", strings.Join(got, "\n"))
		}
	}
	const login = `fetch("/api/login", {method: "POST", body: "password", headers: {"X-App": "1"}}).then(a => a.text().then(b => a.status + b))`
	const code, signIn, resume = `POST /second-factor/challenge  {"code":"123456","kind":"totp","then":"ask"}`, "POST /api/login 1 password", `{"token":"secret"}`

	t.Run("fetch", func(t *testing.T) {
		open()
		begin(ctx, t, "result", login)
		typing(ctx, t, "000000")
		do(ctx, t, `new Promise(function look(done) { `+dialogText+`.includes("That code is wrong.") ? done("") : setTimeout(look, 10, done); })`)
		for _, v := range driver.Violations(ctx, t) {
			t.Errorf("%s (%s): %s\n%s", v.Rule, v.Impact, v.Help, strings.Join(v.Nodes, "\n"))
		}
		typing(ctx, t, "123456")
		if got := do(ctx, t, "result"); got != "200"+resume {
			t.Errorf("the app gets %s", got)
		}
		dialogIs(ctx, t, false)
		wantRequests(signIn, `POST /second-factor/challenge  {"code":"000000","kind":"totp","then":"ask"}`, code)
	})
	t.Run("XMLHttpRequest", func(t *testing.T) {
		for _, kind := range []string{"", "text", "json", "arraybuffer"} {
			for _, early := range []bool{false, true} {
				open()
				begin(ctx, t, "result", fmt.Sprintf(`call("POST", "/api/login", "password", %q, %t)`, kind, early))
				typing(ctx, t, "123456")
				want := `[[2,3,4,"load 200","end"],"{\"token\":\"secret\"}"]`
				if early {
					want = strings.Replace(want, "[[", "[[1,", 1)
				}
				if got := do(ctx, t, "result"); got != want {
					t.Errorf("%q, early %t: the app hears %s", kind, early, got)
				}
				wantRequests(signIn, code)
			}
		}
	})
	t.Run("many calls", func(t *testing.T) {
		open()
		g.set("pending")
		begin(ctx, t, "one", `fetch(new Request("/api/data", {method: "PUT", body: "one", headers: {"X-App": "2"}})).then(a => a.text())`)
		begin(ctx, t, "two", `call("PUT", "/api/data", "two", "json", true)`)
		begin(ctx, t, "three", `fetch("/api/data", {method: "PUT", body: new Blob(["three"])}).then(a => a.text())`)
		typing(ctx, t, "123456")
		for name, want := range map[string]string{"one": `{"sent":"one"}`, "two": `[[1,2,3,4,"load 200","end"],"{\"sent\":\"two\"}"]`, "three": `{"sent":"three"}`} {
			if got := do(ctx, t, name); got != want {
				t.Errorf("%s: %s", name, got)
			}
		}
		if got := strings.Join(g.requests(), "\n"); strings.Count(got, "challenge") != 1 || strings.Count(got, "PUT /api/data 2 one") != 2 || strings.Count(got, "PUT /api/data 1 two") != 2 {
			t.Errorf("the requests:\n%s", got)
		}
	})
	t.Run("given up", func(t *testing.T) {
		for _, call := range []string{login, `call("POST", "/api/login", "password", "", true)`} {
			open()
			begin(ctx, t, "result", call)
			typing(ctx, t, "\x1b")
			if got := do(ctx, t, "result"); !strings.Contains(got, "401") || !strings.Contains(got, "second-factor-required") {
				t.Errorf("the app gets %s", got)
			}
			dialogIs(ctx, t, false)
			wantRequests(signIn)
		}
	})
	t.Run("given in another window", func(t *testing.T) {
		open()
		g.set("pending")
		begin(ctx, t, "result", `fetch("/api/data").then(a => a.text())`)
		dialogIs(ctx, t, true)
		g.set("verified")
		begin(ctx, t, "second", `fetch("/api/data").then(a => a.text())`)
		if got := do(ctx, t, "second"); got != `{"sent":""}` {
			t.Errorf("a call afterwards: %s", got)
		}
		typing(ctx, t, "123456")
		if got := do(ctx, t, "result"); got != `{"sent":""}` {
			t.Errorf("the call that waited: %s", got)
		}
	})
	t.Run("what is not ours", func(t *testing.T) {
		open()
		if got := do(ctx, t, `fetch("/api/refused").then(a => a.text().then(b => a.status + b))`); got != `401{"type":"about:blank","title":"of the app's own"}` {
			t.Errorf("fetch: %s", got)
		}
		want := `[[1,4,"load 401","end"],"{\"type\":\"about:blank\",\"title\":\"of the app's own\"}"]`
		if got := do(ctx, t, `call("GET", "/api/refused", null, "", true)`); got != want {
			t.Errorf("XMLHttpRequest: %s", got)
		}
		if got := do(ctx, t, `call("GET", "/api/nothing", null, "", true)`); !strings.Contains(got, `[1,2,3,4,"load 404","end"]`) {
			t.Errorf("an answer of another kind: %s", got)
		}
		dialogIs(ctx, t, false)
	})
	t.Run("another address to resume at", func(t *testing.T) {
		for call, want := range map[string]string{
			`fetch("/api/elsewhere", {method: "POST"}).then(a => a.text())`: resume,
			`call("POST", "/api/elsewhere", null, "", true)`:                `[[1,2,3,4,"load 200","end"],"{\"token\":\"secret\"}"]`,
		} {
			open()
			begin(ctx, t, "result", call)
			typing(ctx, t, "123456")
			if got := do(ctx, t, "result"); got != want {
				t.Errorf("%s: the app gets %s", call, got)
			}
			if got := strings.Join(g.requests(), "\n"); strings.Contains(got, "/api/data") {
				t.Errorf("%s: the requests:\n%s", call, got)
			}
		}
	})
	t.Run("aborted while it waits", func(t *testing.T) {
		open()
		do(ctx, t, `window.request = new XMLHttpRequest(); request.open("POST", "/api/login"); request.setRequestHeader("X-App", "1"); request.send("password"); "sent"`)
		typing(ctx, t, "")
		do(ctx, t, `request.abort(); "aborted"`)
		typing(ctx, t, "123456")
		dialogIs(ctx, t, false)
		if got := do(ctx, t, `request.responseText + request.status`); strings.Contains(got, "token") {
			t.Errorf("the request was sent once more: %s", got)
		}
		wantRequests(signIn, code)
	})
}
