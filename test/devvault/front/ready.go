package front

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// Ready is the line that tells a test where everything is.
type Ready struct {
	Address        string   `json:"address"`         // for clients, with its scheme
	Control        string   `json:"control"`         // see Control
	RootToken      string   `json:"root_token"`      // "" where the Vault is not this program's
	UnsealKeys     []string `json:"unseal_keys"`     // hexadecimal
	CACert         string   `json:"ca_cert"`         // file, "" without TLS
	StandbyAddress string   `json:"standby_address"` // "" without a standby
	// Direct are the addresses of the nodes past the fault layer, plain HTTP: what is asked there is struck by no fault
	// and counted by nobody, and they stay up when the listeners for clients are down.
	Direct []string `json:"direct"`
}

// Announce writes it as one line of JSON.
func (r Ready) Announce(output io.Writer) error {
	return json.NewEncoder(output).Encode(r)
}

// AnnounceToPeople writes what can be pasted into a shell.
func (r Ready) AnnounceToPeople(output io.Writer) error {
	text := fmt.Sprintf("export VAULT_ADDR=%s VAULT_TOKEN=%s", r.Address, r.RootToken)
	if r.CACert != "" {
		text += " VAULT_CACERT=" + r.CACert
	}
	text += "\n# control: " + r.Control
	if r.StandbyAddress != "" {
		text += "   standby: " + r.StandbyAddress
	}
	_, err := fmt.Fprintln(output, text)
	return err
}

// UntilClosed is a context that ends with its parent or when the input does: a test that dies closes it, however it
// dies.
func UntilClosed(parent context.Context, input io.Reader) (ctx context.Context, cancel context.CancelFunc) {
	ctx, cancel = context.WithCancel(parent)
	go func() {
		_, _ = io.Copy(io.Discard, input)
		cancel()
	}()
	return ctx, cancel
}
