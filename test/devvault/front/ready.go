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
	RootToken      string   `json:"root_token"`      // "" if another program runs the Vault
	UnsealKeys     []string `json:"unseal_keys"`     // hexadecimal
	CACert         string   `json:"ca_cert"`         // file, "" without TLS
	StandbyAddress string   `json:"standby_address"` // "" without a standby
	// Direct are the addresses of the nodes without the fault layer, plain HTTP: requests there have no faults and are
	// not counted, and these addresses stay up while the listeners for clients are down.
	Direct []string `json:"direct"`
}

// Announce writes r as one line of JSON.
func (r Ready) Announce(output io.Writer) error {
	return json.NewEncoder(output).Encode(r)
}

// AnnounceToPeople writes lines that can be pasted into a shell.
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

// UntilClosed returns a context that ends with its parent or when the input ends. The input of a test's process ends
// however that process dies.
func UntilClosed(parent context.Context, input io.Reader) (ctx context.Context, cancel context.CancelFunc) {
	ctx, cancel = context.WithCancel(parent)
	go func() {
		_, _ = io.Copy(io.Discard, input)
		cancel()
	}()
	return ctx, cancel
}
