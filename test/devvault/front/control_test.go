package front

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/devvault/fault"
)

// controlled returns the handler of a control address, for nodes that answer hello.
func controlled(t *testing.T, standby bool) (http.Handler, []*Node, *Authority) {
	t.Helper()
	authority := open(t, t.TempDir())
	var nodes []*Node
	for range 2 {
		layer := fault.NewLayer(hello)
		sealed := false
		nodes = append(nodes, &Node{
			Layer: layer, Listener: listen(t, authority, layer),
			Seal:   func() error { sealed = true; return nil },
			Unseal: func() error { return errors.New("no key") },
			Status: func() int { return map[bool]int{false: 200, true: 503}[sealed] },
		})
	}
	if !standby {
		return Control(nodes[0], nil, authority), nodes, authority
	}
	return Control(nodes[0], nodes[1], authority), nodes, authority
}

// do sends a request to the control address.
func do(handler http.Handler, method, path, body string) (int, string) {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(method, path, strings.NewReader(body)))
	return recorder.Code, strings.TrimSpace(recorder.Body.String())
}

func TestControlFaultsAndRequests(t *testing.T) {
	handler, nodes, authority := controlled(t, true)
	client := trusting(t, authority.File())
	if code, body := do(handler, "POST", "/faults", `[{"status":503,"times":1}]`); code != 204 {
		t.Fatalf("%d %s", code, body)
	}
	if code, body := do(handler, "GET", "/faults", ""); code != 200 || body != `[{"times":1,"status":503}]` {
		t.Errorf("%d %s", code, body)
	}
	for i, want := range []string{`{"errors":["Vault is sealed"]}`, "hello"} {
		if got, err := get(t, client, nodes[0].Listener.URL()+"/v1/a"); err != nil || strings.TrimSpace(got) != want {
			t.Errorf("%d: %s, %v", i, got, err)
		}
	}
	if got, err := get(t, client, nodes[1].Listener.URL()+"/v1/b"); err != nil || got != "hello" {
		t.Errorf("standby: %s, %v", got, err)
	}
	if _, body := do(handler, "GET", "/requests", ""); body != `{"requests":[{"method":"GET","path":"/v1/a","count":2}],"waiting":0}` {
		t.Error(body)
	}
	if _, body := do(handler, "GET", "/standby/requests", ""); body != `{"requests":[{"method":"GET","path":"/v1/b","count":1}],"waiting":0}` {
		t.Error(body)
	}
	if code, _ := do(handler, "DELETE", "/requests", ""); code != 204 || nodes[0].Layer.Requests().Requests == nil || len(nodes[0].Layer.Requests().Requests) != 0 {
		t.Errorf("%d %v", code, nodes[0].Layer.Requests())
	}
	for _, empty := range []string{"[]", "", "null"} {
		do(handler, "POST", "/faults", `[{"status":503}]`)
		if code, body := do(handler, "POST", "/faults", empty); code != 204 || len(nodes[0].Layer.Faults()) != 0 {
			t.Errorf("%q: %d %s", empty, code, body)
		}
	}
}

// With a misspelt fault a test would pass without testing anything.
func TestControlRefuses(t *testing.T) {
	handler, nodes, _ := controlled(t, false)
	for _, body := range []string{`[{"status":503,"tiems":1}]`, `[{"status":503,"times":"1"}]`, `{"status":503}`, `[{}]`, `[{"delay":5}]`, `[`} {
		if code, answer := do(handler, "POST", "/faults", body); code != 400 || !json.Valid([]byte(answer)) || len(nodes[0].Layer.Faults()) != 0 {
			t.Errorf("%s: %d %s", body, code, answer)
		}
	}
	for path, want := range map[string]int{"/standby/faults": 404, "/unknown": 404, "/unseal": 500} {
		if code, body := do(handler, "POST", path, "[]"); code != want {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if code, _ := do(handler, "GET", "/seal", ""); code != 405 {
		t.Errorf("GET /seal: %d", code)
	}
}

func TestControlMovesTheNode(t *testing.T) {
	handler, nodes, authority := controlled(t, false)
	if code, body := do(handler, "POST", "/seal", ""); code != 204 {
		t.Errorf("%d %s", code, body)
	}
	if _, body := do(handler, "GET", "/health", ""); body != `{"status":503}` {
		t.Error(body)
	}
	do(handler, "POST", "/down", "")
	if _, err := get(t, trusting(t, authority.File()), nodes[0].Listener.URL()); err == nil {
		t.Error("up after down")
	}
	do(handler, "POST", "/up", "")
	if _, err := get(t, trusting(t, authority.File()), nodes[0].Listener.URL()); err != nil {
		t.Errorf("down after up: %v", err)
	}
	before := authority.File()
	code, body := do(handler, "POST", "/certificate", "")
	var answer map[string]string
	if err := json.Unmarshal([]byte(body), &answer); err != nil || code != 200 || answer["ca_cert"] != authority.File() || authority.File() == before {
		t.Errorf("%d %s %v", code, body, err)
	}
}

// For a Vault that runs elsewhere there is no unseal key, and perhaps no TLS.
func TestControlWithout(t *testing.T) {
	layer := fault.NewLayer(hello)
	handler := Control(&Node{Layer: layer, Listener: listen(t, nil, layer)}, nil, nil)
	for _, path := range []string{"POST /seal", "POST /unseal", "POST /certificate", "GET /health"} {
		method, path, _ := strings.Cut(path, " ")
		if code, body := do(handler, method, path, ""); code != 501 {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
}
