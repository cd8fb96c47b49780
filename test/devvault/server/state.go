//go:build !race

package server

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// stateFile is the file in a storage folder with what a restart needs.
const stateFile = "devvault.json"

// state is what a restart over the same folder needs to unseal. It is as secret as the root token in it.
type state struct {
	RootToken   string   `json:"root_token"`
	UnsealKeys  []string `json:"unseal_keys"` // hexadecimal
	ClusterPort []int    `json:"cluster_ports"`
}

// loadState reads the state of a folder; fs.ErrNotExist if there is none.
func loadState(folder string) (state, error) {
	var s state
	content, err := os.ReadFile(filepath.Join(folder, stateFile))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(content, &s); err != nil {
		return s, fmt.Errorf("%s: %w", stateFile, err)
	}
	return s, nil
}

// save writes the state atomically, readable by its owner only: a killed process leaves either the old state or the new
// one.
func (s state) save(folder string) error {
	content, err := json.Marshal(s)
	if err != nil {
		return err
	}
	name := filepath.Join(folder, stateFile)
	if err := os.WriteFile(name+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
