package caddymodule

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/store/observed"
)

func init() { caddy.RegisterModule(new(SessionsMemory)) }

// SessionsMemory keeps sessions in this process. They survive a reload of the configuration, but not a restart.
//
//	sessions memory
type SessionsMemory struct {
	pooled *pooledMemory
}

// memoryKey is the pool key of the process's only memory store.
const memoryKey = "memory"

var memories = caddy.NewUsagePool()

// pooledMemory keeps nothing of the configuration that made it.
type pooledMemory struct {
	memory *session.Memory
	shared *session.Shared
}

// Destruct forgets the sessions once no configuration uses them any more.
func (p *pooledMemory) Destruct() error {
	return p.memory.Close()
}

// CaddyModule returns the Caddy module information.
func (*SessionsMemory) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "second_factor.sessions.memory", New: func() caddy.Module { return new(SessionsMemory) }}
}

// Provision takes over the previous configuration's memory, or makes a new one.
func (s *SessionsMemory) Provision(caddy.Context) error {
	value, _, err := memories.LoadOrNew(memoryKey, func() (caddy.Destructor, error) {
		memory := session.NewMemory(session.MemoryOptions{})
		return &pooledMemory{memory: memory, shared: session.NewShared(observed.New(memory, sessionsMeter))}, nil
	})
	if err != nil {
		return err
	}
	s.pooled = value.(*pooledMemory)
	return nil
}

// Cleanup releases the memory, if Provision took it.
func (s *SessionsMemory) Cleanup() error {
	if s.pooled == nil {
		return nil
	}
	s.pooled = nil
	_, err := memories.Delete(memoryKey)
	return err
}

// Connect does nothing: sessions that are only in memory are not sealed.
func (s *SessionsMemory) Connect(Secrets) error { return nil }

// Shared is the store of sessions.
func (s *SessionsMemory) Shared() *session.Shared { return s.pooled.shared }

// UnmarshalCaddyfile reads the module's own words; it has none.
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
