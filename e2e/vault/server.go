package vault

import (
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
	binary  string
	folder  string
	log     lockedBuffer
	process *process
	ready   ready
}

// Start runs a Vault that is initialised and unsealed, with KV v2 at secret/, transit at transit/ and AppRole enabled, and stops
// it when the test ends. It takes a third of a second with memory and file storage, and three with raft.
func Start(t testing.TB, options Options) *Server {
	t.Helper()
	if options.Storage == "" {
		options.Storage = Memory
	}
	s := &Server{shared: &shared{options: options, binary: Binary(t), folder: t.TempDir()}}
	s.Node = &Node{t: t}
	s.launch(nil)
	t.Cleanup(func() {
		if s.shared.process != nil {
			s.shared.process.stop()
		}
		if t.Failed() {
			t.Logf("Vault's log:\n%s", s.Log())
		}
	})
	return s
}

// launch starts the process, with further arguments.
func (s *Server) launch(more []string) {
	s.t.Helper()
	arguments := more
	if s.shared.options.Storage == Memory {
		arguments = append(arguments, "-storage", Memory)
	} else {
		arguments = append(arguments, "-storage", s.shared.options.Storage+":"+s.shared.folder)
	}
	if s.shared.options.TLS {
		arguments = append(arguments, "-tls")
	}
	if s.shared.options.Standby {
		arguments = append(arguments, "-standby")
	}
	process, ready, err := launch(s.shared.binary, arguments, &s.shared.log)
	if err != nil {
		s.t.Fatalf("vault: %v", err)
	}
	s.shared.process, s.shared.ready = process, ready
	s.adopt()
}

// adopt takes over what the process said.
func (s *Server) adopt() {
	ready := s.shared.ready
	s.Node = &Node{t: s.t, Address: ready.Address, Direct: ready.Direct[0], control: ready.Control, token: ready.RootToken}
	if ready.StandbyAddress != "" {
		s.Standby = &Node{
			t: s.t, Address: ready.StandbyAddress, Direct: ready.Direct[1],
			control: ready.Control + "/standby", token: ready.RootToken,
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

// UnsealKeys are the unseal keys, in hexadecimal.
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
	s.shared.process.kill()
	s.shared.process = nil
}

// Stop ends the process in order.
func (s *Server) Stop() {
	s.shared.process.stop()
	s.shared.process = nil
}

// Restart starts the server again after Kill or Stop, or after stopping it, over the same storage and on the same ports. It
// comes up unsealed and without faults. With storage in memory there is nothing to start from, which ends the test.
func (s *Server) Restart() {
	s.t.Helper()
	if s.shared.options.Storage == Memory {
		s.t.Fatal("vault: what was in memory is gone: Restart needs the storage File or Raft")
	}
	if s.shared.process != nil {
		s.Stop()
	}
	more := []string{"-listen", host(s.shared.ready.Address)}
	if s.Standby != nil {
		more = append(more, "-standby-listen", host(s.Standby.Address))
	}
	s.launch(more)
}

// host is host and port of an address.
func host(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return address
	}
	return parsed.Host
}

// Certificate says how a new certificate comes about.
type Certificate struct {
	// SameAuthority renews the server's certificate alone: who trusted it goes on trusting it.
	SameAuthority bool
	// Overwrite writes the new authority's certificate over the file that CACert names. Otherwise it gets a file of its own.
	Overwrite bool
}

// NewCertificate has the server take a new certificate, by default of a new authority, for new connections; open ones go on.
// CACert is the new authority's file afterwards.
func (s *Server) NewCertificate(how Certificate) {
	s.t.Helper()
	var answer struct {
		CACert string `json:"ca_cert"`
	}
	s.do("POST", "/certificate", map[string]bool{"same_authority": how.SameAuthority, "overwrite": how.Overwrite}, &answer)
	s.shared.ready.CACert = answer.CACert
}
