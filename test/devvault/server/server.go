//go:build !race

package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/physical"
	"github.com/hashicorp/vault/vault"
)

// deadline bounds each step of the start. A core that is not ready by then never will be.
const deadline = 30 * time.Second

// Config is the configuration of a server.
type Config struct {
	Storage Storage
	// Addresses are the addresses of the nodes for clients, with their scheme: one, or two with a standby.
	Addresses []string
	Log       hclog.Logger
}

// Server is one Vault node, or an active one and its standby. Its methods may be called concurrently.
type Server struct {
	storage Storage
	log     hclog.Logger
	nodes   []*Node
	state   state
	fresh   bool // the storage was empty
}

// Node is one core.
type Node struct {
	core *vault.Core
	keys func() [][]byte
}

// Open makes the cores, sealed. The returned server already answers through Handler, and must be closed.
func Open(config Config) (*Server, error) {
	s := &Server{storage: config.Storage, log: config.Log}
	if s.storage.Folder != "" {
		if err := os.MkdirAll(s.storage.Folder, 0o700); err != nil {
			return nil, err
		}
		loaded, err := loadState(s.storage.Folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		s.state = loaded
	}
	for len(s.state.ClusterPort) < len(config.Addresses) {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		s.state.ClusterPort = append(s.state.ClusterPort, port)
	}
	opened, err := s.storage.open(len(config.Addresses), config.Log)
	if err != nil {
		return nil, err
	}
	for i, address := range config.Addresses {
		node, err := s.newNode(i, address, opened.physical[i], opened.lock, len(config.Addresses) > 1)
		if err != nil {
			s.Close()
			return nil, err
		}
		s.nodes = append(s.nodes, node)
	}
	return s, nil
}

// newNode makes one core.
func (s *Server) newNode(i int, address string, storage physical.Backend, lock physical.HABackend, cluster bool) (*Node, error) {
	cluster = cluster || s.storage.Kind == Raft
	config := &vault.CoreConfig{
		Physical:           storage,
		HAPhysical:         lock,
		StorageType:        s.storage.Kind,
		LogicalBackends:    secretEngines,
		CredentialBackends: authMethods,
		AuditBackends:      auditDevices,
		BuiltinRegistry:    registry{},
		Logger:             s.log.Named(nodeName(i)),
		DisableMlock:       true,
		// Autopilot lets a new raft node vote only after ten seconds; until then it cannot take over.
		DisableAutopilot: true,
		ClusterName:      "devvault",
	}
	if own, ok := storage.(physical.HABackend); ok && s.storage.Kind == Raft {
		config.HAPhysical = own
	}
	clusterAddress := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: s.state.ClusterPort[i]}
	if cluster {
		config.RedirectAddr = address
		config.ClusterAddr = "https://" + clusterAddress.String()
	}
	core, err := vault.NewCore(config)
	if err != nil {
		return nil, fmt.Errorf("core of %s: %w", nodeName(i), err)
	}
	node := &Node{core: core, keys: s.keys}
	if cluster {
		core.SetClusterListenerAddrs([]*net.TCPAddr{clusterAddress})
		core.SetClusterHandler(node.Handler())
	}
	return node, nil
}

// Handler returns Vault's own handler for the node.
func (n *Node) Handler() http.Handler {
	return vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core:           n.core,
		ListenerConfig: &configutil.Listener{},
	})
}

// Nodes returns the nodes: the one that becomes active first, and its standby if there is one.
func (s *Server) Nodes() []*Node { return s.nodes }

// RootToken returns the root token, known after Start.
func (s *Server) RootToken() string { return s.state.RootToken }

// UnsealKeys returns the unseal keys in hexadecimal, known after Start.
func (s *Server) UnsealKeys() []string { return s.state.UnsealKeys }

// Close seals the cores and releases their storage.
func (s *Server) Close() {
	for _, node := range s.nodes {
		if err := node.core.Shutdown(); err != nil {
			s.log.Error("shutting down", "error", err)
		}
	}
}

// freePort returns a loopback port that is free now. Vault opens its cluster port itself when it is unsealed.
func freePort() (int, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
