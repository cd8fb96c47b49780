package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
	"sallyport.example/sallyport/operator"
	"sallyport.example/sallyport/session"
)

type deaf struct{}

func (deaf) Emit(context.Context, event.Event) {}

// newAPI is an API over stores in memory, behind the mux that Caddy's admin endpoint uses.
func newAPI(t *testing.T) (*factor.MemoryStore, http.Handler) {
	t.Helper()
	store, memory := factor.NewMemoryStore(), session.NewMemory(session.MemoryOptions{})
	t.Cleanup(func() { _ = memory.Close() })
	config, err := (&Handler{App: "wiki"}).factors()
	if err != nil {
		t.Fatal(err)
	}
	app := operator.App{
		Name: "wiki", Factors: factor.NewService(store, config), Events: deaf{}, Throttle: factor.DefaultThrottle(),
		Sessions: session.NewShared(memory).Manager(session.Config{App: "wiki"}),
	}
	api := &operatorAPI{
		service: &operator.Service{Lister: store, Find: func(name string) (operator.App, bool) { return app, name == "wiki" }},
		names:   func() []string { return []string{"wiki"} },
		health:  func(*http.Request) health { return health{Status: healthy} },
	}
	mux := http.NewServeMux()
	mux.HandleFunc(apiBase, func(w http.ResponseWriter, r *http.Request) {
		if err := api.serve(w, r); err != nil {
			t.Error(err)
		}
	})
	return store, mux
}

func ask(t *testing.T, api http.Handler, method, path, body string, into any) int {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), method, apiBase+path, strings.NewReader(body))
	api.ServeHTTP(w, r)
	if w.Code >= 300 && w.Code < 400 {
		return w.Code
	}
	want := "application/json"
	if w.Code != http.StatusOK {
		want = "application/problem+json"
	}
	if got := w.Header().Get("Content-Type"); got != want {
		t.Errorf("%s %s: %d as %s", method, path, w.Code, got)
	}
	var problem problemJSON
	if w.Code != http.StatusOK && (json.Unmarshal(w.Body.Bytes(), &problem) != nil || problem.Status != w.Code || problem.Title == "" || problem.Type == "") {
		t.Errorf("%s %s: %s", method, path, w.Body)
	}
	if into != nil && json.Unmarshal(w.Body.Bytes(), into) != nil {
		t.Errorf("%s %s: %s", method, path, w.Body)
	}
	return w.Code
}

// TestAdminAPI tests each call, and each refusal in the form of RFC 9457.
func TestAdminAPI(t *testing.T) {
	store, api := newAPI(t)
	for i := range 150 {
		user := "user-" + string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		if _, err := store.Put(t.Context(), factor.Key{App: "wiki", User: user}, storetest.NewReady(user, byte(i)), 0); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]int{
		"apps": 200, "health": 200, "apps/wiki/users": 200, "apps/wiki/users?limit=1000&state=enrolled&prefix=user-a": 200, "apps/wiki/users/user-a": 200,
		"apps/git/users": 404, "apps/wiki/users/nobody": 404, "apps/wiki": 404, "": 404, "apps/wiki/users/user-a/sessions": 404, "apps/": 404,
		"apps/wiki/users?limit=x": 400, "apps/wiki/users?limit=-1": 400, "apps/wiki/users?state=locked": 400, "apps/wiki/users?cursor=!": 400,
		"apps/wiki/users?sort=name": 400, "apps/wiki/users?limit=1&limit=2": 400, "apps/wiki/users?%zz": 400, "apps/wiki/users/%2e%2e": 404,
		"apps/wiki/users/...": 404, "apps/wiki/users/user-a/reset": 405, "apps/wiki/users/": 404,
	} {
		if got := ask(t, api, http.MethodGet, path, "", nil); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	for _, path := range []string{"apps", "health", "apps/wiki/users", "apps/wiki/users/user-a"} {
		if got := ask(t, api, http.MethodPost, path, "{}", nil); got != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, got)
		}
	}
	var first, rest usersJSON
	ask(t, api, http.MethodGet, "apps/wiki/users?limit=1000", "", &first)
	ask(t, api, http.MethodGet, "apps/wiki/users?cursor="+url.QueryEscape(first.Cursor), "", &rest)
	if len(first.Users) != 100 || len(rest.Users) != 50 || rest.Cursor != "" || first.Users[0].Factors[0] != "totp" {
		t.Errorf("pages of %d and %d, %q", len(first.Users), len(rest.Users), rest.Cursor)
	}
	for body, want := range map[string]int{
		``: 400, `{}`: 400, `{"reason":""}`: 400, `{"reason":1}`: 400, `{"reason":"x","more":1}`: 400, `{"reason":"x","for":"1ms"}`: 400,
		`{"reason":"x","for":"721h"}`: 400, `{"reason":"x","for":"-1h"}`: 400, `{"reason":"x"} {}`: 400, `{"reason":"x","operator":"a\nb"}`: 400,
		`{"reason":"` + strings.Repeat("x", 17<<10) + `"}`: 400, `{"reason":"x"}`: 200, `{"reason":"x","operator":"grace","for":"1h"}`: 200,
	} {
		if got := ask(t, api, http.MethodPost, "apps/wiki/users/user-a/code", body, nil); got != want {
			t.Errorf("%.40s: %d, want %d", body, got, want)
		}
	}
	var made codeJSON
	if got := ask(t, api, http.MethodPost, "apps/wiki/users/user-a/reset", `{"reason":"x","for":"2h"}`, &made); got != 200 ||
		!factor.IsOperatorCode(made.Code) || time.Until(made.Expires) > 2*time.Hour || time.Until(made.Expires) < time.Hour {
		t.Errorf("reset: %d %+v", got, made)
	}
	var account accountJSON
	if ask(t, api, http.MethodGet, "apps/wiki/users/user-a", "", &account); account.State != operator.Waiting || !account.CodeOwed || account.Activity[0].Event != "operator-reset" {
		t.Errorf("after it: %+v", account)
	}
	for _, act := range []string{"unlock", "sign-out"} {
		if got := ask(t, api, http.MethodPost, "apps/wiki/users/user-a/"+act, `{"reason":"x"}`, nil); got != 200 {
			t.Errorf("%s: %d", act, got)
		}
	}
	if got := ask(t, api, http.MethodPost, "apps/wiki/users/user-b/reset", `{"reason":"x","open":true}`, nil); got != 200 {
		t.Errorf("open: %d", got)
	}
	if got := ask(t, api, http.MethodGet, "apps/wiki/users/user-b", "", nil); got != 404 {
		t.Errorf("opened: %d", got)
	}
	store.Fail(errors.New("unplugged"))
	if got := ask(t, api, http.MethodGet, "apps/wiki/users", "", nil); got != http.StatusServiceUnavailable {
		t.Errorf("without the store: %d", got)
	}
}

// TestP9_AdminAPI: no answer of the API about a record contains a seed, a hash or a token.
func TestP9_AdminAPI(t *testing.T) {
	store, api := newAPI(t)
	record := storetest.NewCoded("alice", 'Q')
	record.Throttle = factor.ThrottleState{}
	if _, err := store.Put(t.Context(), factor.Key{App: "wiki", User: "alice"}, record, 0); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	api.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, apiBase+"apps/wiki/users/alice", nil))
	for _, secret := range []string{"secret", "hash", "salt", "QQQQ", "UVFR", "device-"} {
		if strings.Contains(w.Body.String(), secret) {
			t.Errorf("the answer contains %q: %s", secret, w.Body)
		}
	}
	if !strings.Contains(w.Body.String(), `"totp"`) {
		t.Errorf("the control: %s", w.Body)
	}
}

// TestAdminNames: hostile names, percent-encoded in one segment, are their own users.
func TestAdminNames(t *testing.T) {
	_, api := newAPI(t)
	for _, name := range storetest.Names() {
		if strings.Trim(name, ".") == "" {
			continue
		}
		path := "apps/wiki/users/" + url.PathEscape(name)
		if got := ask(t, api, http.MethodPost, path+"/code", `{"reason":"x"}`, nil); got != 200 {
			t.Errorf("%q: %d", name, got)
			continue
		}
		var account accountJSON
		if ask(t, api, http.MethodGet, path, "", &account); account.User != name {
			t.Errorf("%q: %q is shown", name, account.User)
		}
		if ask(t, api, http.MethodPost, path+"/reset", `{"reason":"x","open":true}`, nil); ask(t, api, http.MethodGet, path, "", nil) != 404 {
			t.Errorf("%q was not opened", name)
		}
	}
}
