package vault

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/hashicorp/vault/api"
)

// Kinds of storage.
const (
	Memory = "memory" // gone with the process
	File   = "file"   // Vault's file storage
	Raft   = "raft"   // Vault's integrated storage
)

// Options are what a server is started with. The zero value is one node with storage in memory, over plain HTTP.
type Options struct {
	// Storage is Memory, File or Raft. What has been killed can be restarted only with the latter two.
	Storage string
	// TLS serves HTTPS with a certificate of an own authority, see CACert.
	TLS bool
	// Standby runs a second node. A client that asks it is answered by the active node, through it; one that sends
	// X-Vault-No-Request-Forwarding is redirected with 307.
	Standby bool
	// Uninitialised leaves the server as it comes: without keys, answering 501 to the health check and 503 to what is
	// asked.
	Uninitialised bool
	// Shared says that the test does with a Vault that others use as well: it keeps to a mount of its own (KV), and
	// does not seal, kill or restart. Where $VAULT_ADDR and $VAULT_TOKEN are set, it gets the one that they name,
	// behind the faults.
	Shared bool
}

// Server is a Vault that is running. The node in it is the one that is active at first.
type Server struct {
	*Node
	// Standby is the second node, nil without one.
	Standby *Node

	shared *shared
}

// shared is what all handles on one server have in common.
type shared struct {
	options Options
	runner  runner
	log     lockedBuffer
	ready   ready
	running bool
}

// runner runs one kind of server. After a stop it can be started again over what it has stored, on the ports that ready
// names.
type runner interface {
	start(options Options, before ready, log *lockedBuffer) (ready, error)
	stop()
	kill()
}

// Start runs a Vault that is initialised and unsealed, with KV v2 at secret/, transit at transit/ and AppRole enabled,
// and stops it when the test ends. It takes a third of a second with memory and file storage, and three with raft.
//
// It is devvault. Where a `vault` command is on the path it is that one instead, with the same storage and behind the
// same faults, unless the test asks for a standby or for TLS, whose certificate it changes; and see Options.Shared.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	return start(t, options, fromEnvironment())
}

// start is Start in a given environment.
func start(t testing.TB, options Options, environment environment) *Server {
	t.Helper()
	if options.Storage == "" {
		options.Storage = Memory
	}
	s := &Server{Node: &Node{t: t}, shared: &shared{options: options, runner: environment.runner(t, options)}}
	t.Cleanup(func() {
		s.shared.runner.stop()
		if t.Failed() {
			t.Logf("Vault's log:\n%s", s.Log())
		}
	})
	s.launch()
	return s
}

// launch starts the server, for the first time or again.
func (s *Server) launch() {
	s.t.Helper()
	ready, err := s.shared.runner.start(s.shared.options, s.shared.ready, &s.shared.log)
	if err != nil {
		s.t.Fatalf("vault: %v", err)
	}
	s.shared.ready, s.shared.running = ready, true
	s.adopt()
}

// adopt takes over what the server said.
func (s *Server) adopt() {
	ready := s.shared.ready
	s.Node = &Node{
		Address: ready.Address, Direct: ready.Direct[0],
		t: s.t, control: ready.Control, token: ready.RootToken, keys: ready.UnsealKeys, proxied: ready.proxied,
		directCA: ready.directCA,
	}
	if ready.StandbyAddress != "" {
		s.Standby = &Node{
			Address: ready.StandbyAddress, Direct: ready.Direct[1],
			t: s.t, control: ready.Control + "/standby", token: ready.RootToken,
		}
	}
}

// On is the same server for another test, whose methods end that one: for subtests that share a server.
func (s *Server) On(t testing.TB) *Server {
	other := &Server{Node: &Node{t: t}, shared: s.shared}
	other.adopt()
	return other
}

// Token is the root token.
func (s *Server) Token() string { return s.shared.ready.RootToken }

// UnsealKeys are the unseal keys, in hexadecimal. A shared server's are not known.
func (s *Server) UnsealKeys() []string { return s.shared.ready.UnsealKeys }

// CACert is the PEM file of the authority that the server's certificate is of; "" without TLS.
func (s *Server) CACert() string { return s.shared.ready.CACert }

// Log is what Vault has logged so far, warnings and errors.
func (s *Server) Log() string { return s.shared.log.String() }

// ClientAt is a client at an address where faults strike, such as s.Address or s.Standby.Address, with a token.
func (s *Server) ClientAt(address, token string) *api.Client {
	s.t.Helper()
	return newClient(s.t, address, s.CACert(), token)
}

// Kill kills the process with SIGKILL, all nodes at once.
func (s *Server) Kill() {
	s.t.Helper()
	s.own("Kill")
	s.shared.runner.kill()
	s.shared.running = false
}

// Stop ends the process in order.
func (s *Server) Stop() {
	s.t.Helper()
	s.own("Stop")
	s.shared.runner.stop()
	s.shared.running = false
}

// Restart starts the server again, after Kill or Stop or after stopping it, over the same storage and on the same
// ports. It comes up unsealed and without faults. With storage in memory there is nothing to start from, which ends the
// test. The node's Direct changes: a Client made before, and a handle from On, are to be made anew.
func (s *Server) Restart() {
	s.t.Helper()
	if s.shared.options.Storage == Memory {
		s.t.Fatal("vault: what was in memory is gone: Restart needs the storage File or Raft")
	}
	if s.shared.running {
		s.Stop()
	}
	s.launch()
}

// own ends a test that does to a shared server what it has said it would not.
func (s *Server) own(what string) {
	s.t.Helper()
	if s.shared.options.Shared {
		s.t.Fatalf("vault: %s on a shared server", what)
	}
}

// host is host and port of an address; any free port where there is none yet.
func host(address string) string {
	parsed, err := url.Parse(address)
	if err != nil || address == "" {
		return "127.0.0.1:0"
	}
	return parsed.Host
}

// Certificate says how a new certificate comes about.
type Certificate struct {
	// SameAuthority renews the server's certificate alone: who trusted it goes on trusting it.
	SameAuthority bool
	// Overwrite writes the new authority's certificate over the file that CACert names. Otherwise it gets a file of its
	// own.
	Overwrite bool
}

// NewCertificate has the server take a new certificate, by default of a new authority, for new connections; open ones
// go on. CACert is the new authority's file afterwards. A restart goes back to the authority in the first file.
func (s *Server) NewCertificate(how Certificate) {
	s.t.Helper()
	var answer struct {
		CACert string `json:"ca_cert"`
	}
	body := map[string]bool{"same_authority": how.SameAuthority, "overwrite": how.Overwrite}
	s.do(http.MethodPost, "/certificate", body, &answer)
	s.shared.ready.CACert = answer.CACert
}
