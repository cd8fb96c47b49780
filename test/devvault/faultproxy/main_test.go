package main

import (
	"bufio"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/devvault/front"
)

// start runs the command in this process, in front of an upstream. It ends when the test does.
func start(t *testing.T, arguments ...string) front.Ready {
	t.Helper()
	input, hold := io.Pipe()
	output, write := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(context.Background(), arguments, input, write, io.Discard)
		_ = write.CloseWithError(err)
		done <- err
	}()
	t.Cleanup(func() {
		_ = hold.Close() // as when the test process dies
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var ready front.Ready
	if err := json.Unmarshal([]byte(line), &ready); err != nil {
		t.Fatal(err)
	}
	return ready
}

// ask sends a request and returns the answer's status and body.
func ask(t *testing.T, method, address, body string) (int, string, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, strings.TrimSpace(string(content)), err
}

func TestProxy(t *testing.T) {
	upstream := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.URL.RequestURI(), r.Header.Get("X-Vault-Token"), body)
	}))
	defer upstream.Close()
	authority := filepath.Join(t.TempDir(), "upstream.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: upstream.Certificate().Raw})
	if err := os.WriteFile(authority, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	ready := start(t, "-upstream", upstream.URL, "-upstream-ca", authority)
	if ready.Direct[0] != upstream.URL || ready.RootToken != "" {
		t.Errorf("%+v", ready)
	}

	code, body, err := ask(t, "PUT", ready.Address+"/v1/a%2Fb?list=true", "text")
	if err != nil || code != 418 || body != "PUT /v1/a%2Fb?list=true  text" {
		t.Errorf("%d %s %v", code, body, err)
	}
	if code, _, err := ask(t, "POST", ready.Control+"/faults", `[{"path":"/v1/a*","status":503,"times":1}]`); err != nil || code != 204 {
		t.Fatalf("%d %v", code, err)
	}
	if code, body, err := ask(t, "GET", ready.Address+"/v1/a", ""); err != nil || code != 503 || body != `{"errors":["Vault is sealed"]}` {
		t.Errorf("%d %s %v", code, body, err)
	}
	if code, _, err := ask(t, "POST", ready.Control+"/seal", ""); err != nil || code != 501 {
		t.Errorf("seal: %d %v", code, err)
	}
	upstream.Close()
	if code, body, err := ask(t, "GET", ready.Address+"/v1/a", ""); err == nil {
		t.Errorf("without Vault: %d %s", code, body)
	}
}

func TestArguments(t *testing.T) {
	for _, arguments := range [][]string{
		{},
		{"-upstream", "127.0.0.1:8200"},
		{"-upstream", "http://127.0.0.1:1", "more"},
		{"-upstream", "http://127.0.0.1:1", "-listen", "0.0.0.0:0"},
		{"-upstream", "http://127.0.0.1:1", "-upstream-ca", "/nowhere"},
	} {
		if err := run(t.Context(), arguments, strings.NewReader(""), io.Discard, io.Discard); err == nil {
			t.Errorf("%v is taken", arguments)
		}
	}
}
