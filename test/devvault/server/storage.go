//go:build !race

package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/physical/raft"
	"github.com/hashicorp/vault/sdk/physical"
	"github.com/hashicorp/vault/sdk/physical/file"
	"github.com/hashicorp/vault/sdk/physical/inmem"
)

// ErrStorage says that the storage is not one of those that ParseStorage knows.
var ErrStorage = errors.New("storage is memory, file:<folder> or raft:<folder>")

// Kinds of storage.
const (
	Memory = "memory" // gone with the process
	File   = "file"   // Vault's file storage
	Raft   = "raft"   // Vault's integrated storage
)

// Storage is where Vault keeps its data.
type Storage struct {
	Kind   string
	Folder string // empty with Memory
}

// ParseStorage reads memory, file:<folder> or raft:<folder>.
func ParseStorage(text string) (Storage, error) {
	kind, folder, named := strings.Cut(text, ":")
	switch {
	case kind == Memory && !named:
		return Storage{Kind: Memory}, nil
	case (kind == File || kind == Raft) && folder != "":
		return Storage{Kind: kind, Folder: folder}, nil
	default:
		return Storage{}, fmt.Errorf("%w, not %q", ErrStorage, text)
	}
}

// backends are the storage of the nodes, and their locks if there are two nodes (nil with one node, and with raft,
// which has its own).
type backends struct {
	physical []physical.Backend
	lock     physical.HABackend
}

// open opens the storage for so many nodes. With memory and file storage both nodes share it, and the lock that decides
// which one is active is in this process; with raft each has its own.
func (s Storage) open(nodes int, log hclog.Logger) (backends, error) {
	var opened backends
	if s.Kind == Raft {
		for i := range nodes {
			folder := filepath.Join(s.Folder, nodeName(i))
			if err := os.MkdirAll(folder, 0o700); err != nil {
				return opened, err
			}
			backend, err := raft.NewRaftBackend(map[string]string{
				"path":                   folder,
				"node_id":                nodeName(i),
				"performance_multiplier": "1",
			}, log.Named("raft"))
			if err != nil {
				return opened, fmt.Errorf("raft storage: %w", err)
			}
			opened.physical = append(opened.physical, backend)
		}
		return opened, nil
	}

	var shared physical.Backend
	var err error
	if s.Kind == File {
		folder := filepath.Join(s.Folder, "data")
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return opened, err
		}
		shared, err = file.NewFileBackend(map[string]string{"path": folder}, log.Named("file"))
	} else {
		shared, err = inmem.NewInmem(nil, log.Named("memory"))
	}
	if err != nil {
		return opened, fmt.Errorf("%s storage: %w", s.Kind, err)
	}
	for range nodes {
		opened.physical = append(opened.physical, shared)
	}
	if nodes > 1 {
		lock, err := inmem.NewInmemHA(nil, log.Named("lock"))
		if err != nil {
			return opened, err
		}
		opened.lock = lock.(physical.HABackend)
	}
	return opened, nil
}

// nodeName is the name of a node in its cluster.
func nodeName(i int) string { return fmt.Sprintf("node-%d", i) }
