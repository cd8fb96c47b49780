package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
)

// Node is one Vault server that a test controls. Its methods end the test if they fail, so call them from the goroutine
// of the test that the node belongs to; see Server.On for others.
type Node struct {
	// Address is the address for clients: https://127.0.0.1:port, or http. Faults apply here and requests are counted
	// here.
	Address string
	// Direct is the address without the faults, plain HTTP unless it is a shared server's. It is up while Address is
	// down, and nothing is counted here.
	Direct string

	t        testing.TB
	control  string
	token    string
	keys     []string
	proxied  bool   // the control address controls only the proxy
	directCA string // PEM file for Direct
}

// Client returns a client with the root token that no fault affects, to read from Vault and to prepare it while a fault
// is in force. It does not retry, and ignores the environment.
func (n *Node) Client() *api.Client { return newClient(n.t, n.Direct, n.directCA, n.token) }

// Faults replaces the faults in force.
func (n *Node) Faults(faults ...Fault) {
	n.t.Helper()
	if faults == nil {
		faults = []Fault{}
	}
	n.do(http.MethodPost, "/faults", faults, nil)
}

// Clear ends all faults. Delayed requests go on.
func (n *Node) Clear() {
	n.t.Helper()
	n.Faults()
}

// Requests returns the counts of requests at Address since the start or ResetRequests. A request counts when it
// arrives, also if a fault applies to it.
func (n *Node) Requests() Requests {
	n.t.Helper()
	requests, _ := n.requests()
	return requests
}

// ResetRequests sets the counts to zero.
func (n *Node) ResetRequests() {
	n.t.Helper()
	n.do(http.MethodDelete, "/requests", nil, nil)
}

// AwaitHeld waits until a delay holds so many requests, so that a test knows that they are under way.
func (n *Node) AwaitHeld(count int) {
	n.t.Helper()
	n.Await(fmt.Sprintf("%d requests held", count), func() bool {
		_, held := n.requests()
		return held >= count
	})
}

// AwaitNoneHeld waits until no delay holds a request any more.
func (n *Node) AwaitNoneHeld() {
	n.t.Helper()
	n.Await("free of held requests", func() bool {
		_, held := n.requests()
		return held == 0
	})
}

// requests returns the counts and how many requests a delay holds.
func (n *Node) requests() (Requests, int) {
	n.t.Helper()
	var answer struct {
		Requests Requests `json:"requests"`
		Waiting  int      `json:"waiting"`
	}
	n.do(http.MethodGet, "/requests", nil, &answer)
	return answer.Requests, answer.Waiting
}

// Seal seals this node, which answers 503 from then on. If it has a standby, that one takes over.
func (n *Node) Seal() {
	n.t.Helper()
	if !n.proxied {
		n.do(http.MethodPost, "/seal", nil, nil)
		return
	}
	if len(n.keys) == 0 {
		n.t.Fatal("vault: Seal on a shared server")
	}
	if err := n.Client().Sys().Seal(); err != nil {
		n.t.Fatalf("vault: %v", err)
	}
}

// Unseal unseals this node and waits until it serves, as the active one or as a standby.
func (n *Node) Unseal() {
	n.t.Helper()
	if n.proxied {
		for _, key := range n.keys {
			if _, err := n.Client().Sys().Unseal(key); err != nil {
				n.t.Fatalf("vault: %v", err)
			}
		}
	} else {
		n.do(http.MethodPost, "/unseal", nil, nil)
	}
	n.Await("unsealed", func() bool {
		status := n.Status()
		return status == http.StatusOK || status == http.StatusTooManyRequests
	})
}

// Status returns the status of the node's health check: 200 active, 429 standby, 501 not initialised, 503 sealed.
func (n *Node) Status() int {
	n.t.Helper()
	if n.proxied {
		return n.askHealth()
	}
	var health struct {
		Status int `json:"status"`
	}
	n.do(http.MethodGet, "/health", nil, &health)
	return health.Status
}

// askHealth asks Vault itself for its health.
func (n *Node) askHealth() int {
	n.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, n.Direct+"/v1/sys/health", nil)
	if err != nil {
		n.t.Fatalf("vault: %v", err)
	}
	response, err := n.Client().CloneConfig().HttpClient.Do(request)
	if err != nil {
		n.t.Fatalf("vault: %v", err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// AwaitActive waits until the node is the active one.
func (n *Node) AwaitActive() {
	n.t.Helper()
	n.Await("active", func() bool { return n.Status() == http.StatusOK })
}

// Down closes the port at Address with all its connections. Vault itself goes on.
func (n *Node) Down() {
	n.t.Helper()
	n.do(http.MethodPost, "/down", nil, nil)
}

// Up opens the same port again.
func (n *Node) Up() {
	n.t.Helper()
	n.do(http.MethodPost, "/up", nil, nil)
}

// Await polls until the condition holds. After half a minute it ends the test.
func (n *Node) Await(what string, holds func() bool) {
	n.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			n.t.Fatalf("vault: not in time: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// do sends a request to the control address. A nil body sends none, and a nil answer is not read.
func (n *Node) do(method, path string, body, answer any) {
	n.t.Helper()
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			n.t.Fatalf("vault: %s: %v", path, err)
		}
		content = bytes.NewReader(encoded)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, n.control+path, content)
	if err != nil {
		n.t.Fatalf("vault: %s: %v", path, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		n.t.Fatalf("vault: %s %s: %v", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%s: %s", response.Status, text)
	}
	if err == nil && answer != nil {
		err = json.Unmarshal(text, answer)
	}
	if err != nil {
		n.t.Fatalf("vault: %s %s: %v", method, path, err)
	}
}
