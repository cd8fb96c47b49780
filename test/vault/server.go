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
	// Storage is Memory, File or Raft. A killed server can be restarted only with the latter two.
	Storage string
	// TLS serves HTTPS with a certificate of its own authority, see CACert.
	TLS bool
	// Standby runs a second node. It forwards requests to the active node; a request with X-Vault-No-Request-Forwarding
	// is redirected with 307.
	Standby bool
	// Uninitialised does not initialise the server: it has no keys, and answers 501 to the health check and 503 to
	// other requests.
	Uninitialised bool
	// Shared says that the test can use a Vault that others use as well: it uses a mount of its own (KV), and does not
	// seal, kill or restart. If $VAULT_ADDR and $VAULT_TOKEN are set, it gets the Vault that they name, behind the
	// faults.
	Shared bool
}

// Server is a running Vault. Its embedded Node is the one that is active at first.
type Server struct {
	*Node
	// Standby is the second node, nil without one.
	Standby *Node

	shared *shared
}

// shared is the common part of all handles on one server.
type shared struct {
	options Options
	runner  runner
	log     lockedBuffer
	ready   ready
	running bool
}

// runner runs one kind of server. After a stop it can be started again with its stored data, on the ports that ready
// names.
type runner interface {
	start(options Options, before ready, log *lockedBuffer) (ready, error)
	stop()
	kill()
}

// Start runs a Vault that is initialised and unsealed, with KV v2 at secret/, transit at transit/ and AppRole enabled,
// and stops it when the test ends. It takes a third of a second with memory and file storage, and three with raft.
//
// It runs devvault. If a `vault` command is on the path it runs that instead, with the same storage and behind the same
// faults, unless the test needs a standby, or TLS with a certificate that it can change. See also Options.Shared.
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

// adopt takes over the values of the server's ready line.
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

// On returns the same server for another test, which its methods end if they fail. It is for subtests that share a
// server.
func (s *Server) On(t testing.TB) *Server {
	other := &Server{Node: &Node{t: t}, shared: s.shared}
	other.adopt()
	return other
}

// Token returns the root token.
func (s *Server) Token() string { return s.shared.ready.RootToken }

// UnsealKeys returns the unseal keys, in hexadecimal. Those of a shared server are not known.
func (s *Server) UnsealKeys() []string { return s.shared.ready.UnsealKeys }

// CACert returns the PEM file of the authority of the server's certificate; "" without TLS.
func (s *Server) CACert() string { return s.shared.ready.CACert }

// Log returns the warnings and errors that Vault has logged so far.
func (s *Server) Log() string { return s.shared.log.String() }

// ClientAt returns a client with a token, at an address where faults apply, such as s.Address or s.Standby.Address.
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

// Stop ends the process properly.
func (s *Server) Stop() {
	s.t.Helper()
	s.own("Stop")
	s.shared.runner.stop()
	s.shared.running = false
}

// Restart starts the server again, after Kill or Stop or after stopping it itself, with the same storage and on the
// same ports. The server is then unsealed and has no faults. With storage in memory Restart ends the test. The node's
// Direct changes, so a Client or a handle from On must be made again.
func (s *Server) Restart() {
	s.t.Helper()
	if s.shared.options.Storage == Memory {
		s.t.Fatal("vault: Restart needs the storage File or Raft")
	}
	if s.shared.running {
		s.Stop()
	}
	s.launch()
}

// own ends a test that does something to a shared server that Options.Shared forbids.
func (s *Server) own(what string) {
	s.t.Helper()
	if s.shared.options.Shared {
		s.t.Fatalf("vault: %s on a shared server", what)
	}
}

// host returns the host and port of an address; any free port if it is empty.
func host(address string) string {
	parsed, err := url.Parse(address)
	if err != nil || address == "" {
		return "127.0.0.1:0"
	}
	return parsed.Host
}

// Certificate says how a new certificate is made.
type Certificate struct {
	// SameAuthority renews only the server's certificate, so that clients still trust it.
	SameAuthority bool
	// Overwrite writes the new authority's certificate over the file that CACert names. Otherwise it gets a file of its
	// own.
	Overwrite bool
}

// NewCertificate gives the server a new certificate, by default of a new authority, for new connections; open ones go
// on. Afterwards CACert is the new authority's file. A restart goes back to the authority in the first file.
func (s *Server) NewCertificate(how Certificate) {
	s.t.Helper()
	var answer struct {
		CACert string `json:"ca_cert"`
	}
	body := map[string]bool{"same_authority": how.SameAuthority, "overwrite": how.Overwrite}
	s.do(http.MethodPost, "/certificate", body, &answer)
	s.shared.ready.CACert = answer.CACert
}
