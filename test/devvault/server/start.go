//go:build !race

package server

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/vault/helper/namespace"
	"github.com/hashicorp/vault/physical/raft"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/vault"
)

// ErrNotReady says that a core did not become ready in time.
var ErrNotReady = errors.New("vault is not ready")

// Start initialises the storage if it is new, unseals all nodes and returns when the first is active, with KV v2
// mounted at secret/, transit at transit/ and AppRole enabled, and the second stands by. The handlers must be reachable
// at their addresses by then: raft's nodes find each other there. The file holds the authority of their certificate, ""
// without TLS.
func (s *Server) Start(ctx context.Context, addresses []string, authorityFile string) error {
	first := s.nodes[0]
	initialised, err := first.core.Initialized(ctx)
	if err != nil {
		return fmt.Errorf("reading the storage: %w", err)
	}
	if !initialised {
		if err := s.initialise(ctx, first); err != nil {
			return err
		}
	} else if len(s.state.UnsealKeys) == 0 {
		return fmt.Errorf("the storage is initialised, but its keys are not in %s", stateFile)
	}
	if err := first.Unseal(); err != nil {
		return err
	}
	if s.fresh {
		if err := until(ctx, s.someActive); err != nil {
			return err
		}
		if err := s.mount(ctx, first.core); err != nil {
			return err
		}
	}
	// After a restart the first of two raft nodes cannot become active without the other's vote.
	for _, node := range s.nodes[1:] {
		if err := s.join(ctx, node, addresses[0], authorityFile); err != nil {
			return err
		}
	}
	return until(ctx, s.allReady)
}

// initialise makes the root token and one unseal key, and saves them before it uses them.
func (s *Server) initialise(ctx context.Context, node *Node) error {
	result, err := node.core.Initialize(ctx, &vault.InitParams{
		BarrierConfig:  &vault.SealConfig{SecretShares: 1, SecretThreshold: 1},
		RecoveryConfig: &vault.SealConfig{SecretShares: 1, SecretThreshold: 1},
	})
	if err != nil {
		return fmt.Errorf("initialising: %w", err)
	}
	s.state.RootToken = result.RootToken
	for _, key := range result.SecretShares {
		s.state.UnsealKeys = append(s.state.UnsealKeys, hex.EncodeToString(key))
	}
	s.fresh = true
	if s.storage.Folder == "" {
		return nil
	}
	return s.state.save(s.storage.Folder)
}

// mount mounts what the tests need. It polls KV until that answers, because a new KV v2 refuses requests while it
// prepares itself.
func (s *Server) mount(ctx context.Context, core *vault.Core) error {
	for _, step := range []struct {
		path string
		data map[string]any
	}{
		{"sys/mounts/secret", map[string]any{"type": "kv", "options": map[string]any{"version": "2"}}},
		{"sys/mounts/transit", map[string]any{"type": "transit"}},
		{"sys/auth/approle", map[string]any{"type": "approle"}},
	} {
		if err := s.request(ctx, core, logical.UpdateOperation, step.path, step.data); err != nil {
			return fmt.Errorf("%s: %w", step.path, err)
		}
	}
	return until(ctx, func() (bool, error) {
		return s.request(ctx, core, logical.ReadOperation, "secret/config", nil) == nil, nil
	})
}

// request sends a request directly to the core, so that only clients' requests are counted.
func (s *Server) request(ctx context.Context, core *vault.Core, operation logical.Operation, path string, data map[string]any) error {
	response, err := core.HandleRequest(namespace.RootContext(ctx), &logical.Request{
		Operation: operation, Path: path, Data: data, ClientToken: s.state.RootToken, ID: "devvault",
	})
	if err == nil && response.IsError() {
		err = response.Error()
	}
	return err
}

// join unseals another node. A new raft node first joins the leader's cluster.
func (s *Server) join(ctx context.Context, node *Node, leader, authorityFile string) error {
	if s.storage.Kind == Raft {
		info := &raft.LeaderJoinInfo{LeaderAPIAddr: leader}
		if authorityFile != "" {
			content, err := os.ReadFile(authorityFile)
			if err != nil {
				return err
			}
			info.LeaderCACert = string(content)
		}
		if _, err := node.core.JoinRaftCluster(ctx, []*raft.LeaderJoinInfo{info}, false); err != nil {
			return fmt.Errorf("joining the raft cluster: %w", err)
		}
	}
	return node.Unseal()
}

// keys returns the unseal keys as bytes.
func (s *Server) keys() [][]byte {
	keys := make([][]byte, 0, len(s.state.UnsealKeys))
	for _, text := range s.state.UnsealKeys {
		key, _ := hex.DecodeString(text)
		keys = append(keys, key)
	}
	return keys
}

// someActive reports whether one of the nodes answers as the active one.
func (s *Server) someActive() (bool, error) {
	for _, node := range s.nodes {
		if node.Status() == http.StatusOK {
			return true, nil
		}
	}
	return false, nil
}

// allReady reports whether one node is active and all others know which.
func (s *Server) allReady() (bool, error) {
	for _, node := range s.nodes {
		leading, address, _, err := node.core.Leader()
		switch {
		case len(s.nodes) > 1 && (err != nil || node.core.Sealed() || !leading && address == ""):
			return false, nil //nolint:nilerr // the core does not know yet and is asked again
		case node.core.Sealed():
			return false, nil
		}
	}
	return s.someActive()
}

// Unseal unseals the node with the keys it was initialised with. An unsealed one stays as it is. It returns before the
// node has become active.
func (n *Node) Unseal() error {
	for _, key := range n.keys() {
		if !n.core.Sealed() {
			return nil
		}
		// Vault wipes the key, so give it a copy.
		if _, err := n.core.Unseal(append([]byte(nil), key...)); err != nil {
			return fmt.Errorf("unsealing: %w", err)
		}
	}
	return nil
}

// Seal seals only this node, active or standby. Vault's own /sys/seal needs a token, which a standby cannot check.
func (n *Node) Seal() error {
	if n.core.Sealed() {
		return nil
	}
	return vault.TestCoreSeal(n.core)
}

// Status returns the status of Vault's health check: 200 active, 429 standby, 501 not initialised, 503 sealed.
func (n *Node) Status() int {
	initialised, err := n.core.InitializedLocally(context.Background())
	switch {
	case err != nil:
		return http.StatusInternalServerError
	case !initialised:
		return http.StatusNotImplemented
	case n.core.Sealed():
		return http.StatusServiceUnavailable
	}
	if standby, err := n.core.Standby(); err != nil || standby {
		return http.StatusTooManyRequests
	}
	return http.StatusOK
}

// until polls done, for at most the deadline.
func until(ctx context.Context, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		ready, err := done()
		if err != nil || ready {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrNotReady, ctx.Err())
		case <-ticker.C:
		}
	}
}
