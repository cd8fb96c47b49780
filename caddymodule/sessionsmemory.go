package caddymodule

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/session"
)

func init() { caddy.RegisterModule(new(SessionsMemory)) }

// SessionsMemory keeps sessions in this process. They survive a reload of the configuration, not a restart.
//
//	sessions memory
type SessionsMemory struct {
	pooled *pooledMemory
}

// memoryKey names the one memory of the process in its pool.
const memoryKey = "memory"

var memories = caddy.NewUsagePool()

// pooledMemory keeps nothing of the configuration that made it.
type pooledMemory struct {
	memory *session.Memory
	shared *session.Shared
}

// Destruct forgets the sessions when the last configuration that uses them is gone.
func (p *pooledMemory) Destruct() error {
	return p.memory.Close()
}

// CaddyModule returns the Caddy module information.
func (*SessionsMemory) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "second_factor.sessions.memory", New: func() caddy.Module { return new(SessionsMemory) }}
}

// Provision finds the memory of the configuration before this one, or makes a new one.
func (s *SessionsMemory) Provision(caddy.Context) error {
	value, _, err := memories.LoadOrNew(memoryKey, func() (caddy.Destructor, error) {
		memory := session.NewMemory(session.MemoryOptions{})
		return &pooledMemory{memory: memory, shared: session.NewShared(memory)}, nil
	})
	if err != nil {
		return err
	}
	s.pooled = value.(*pooledMemory)
	return nil
}

// Cleanup lets go of the memory, if Provision took it.
func (s *SessionsMemory) Cleanup() error {
	if s.pooled == nil {
		return nil
	}
	s.pooled = nil
	_, err := memories.Delete(memoryKey)
	return err
}

// Connect does nothing: what is in memory only is not sealed.
func (s *SessionsMemory) Connect(Secrets) error { return nil }

// Shared is the store of sessions.
func (s *SessionsMemory) Shared() *session.Shared { return s.pooled.shared }

// UnmarshalCaddyfile reads the module's own words: there are none.
func (s *SessionsMemory) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	_, err := readModule(d, nil, nil, s)
	return err
}

var (
	_ Sessions              = (*SessionsMemory)(nil)
	_ caddy.Provisioner     = (*SessionsMemory)(nil)
	_ caddy.CleanerUpper    = (*SessionsMemory)(nil)
	_ caddyfile.Unmarshaler = (*SessionsMemory)(nil)
)
