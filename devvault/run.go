//go:build !race

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/go-hclog"

	"sallyport/devvault/fault"
	"sallyport/devvault/front"
	"sallyport/devvault/server"
)

// ready is the line that tells the test where everything is.
type ready struct {
	Address        string   `json:"address"`
	Control        string   `json:"control"`
	RootToken      string   `json:"root_token"`
	UnsealKeys     []string `json:"unseal_keys"`
	CACert         string   `json:"ca_cert"`         // file, "" without TLS
	StandbyAddress string   `json:"standby_address"` // "" without a standby
	// Direct are the addresses of the nodes past the fault layer, plain HTTP: what is asked there is struck by no fault and
	// counted by nobody, and they stay up when the listeners for clients are down.
	Direct []string `json:"direct"`
}

// run runs the server until the context ends or the input closes.
func run(ctx context.Context, o options, input io.Reader, output io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !o.stay {
		go func() {
			_, _ = io.Copy(io.Discard, input)
			cancel()
		}()
	}
	log := hclog.New(&hclog.LoggerOptions{Name: "vault", Level: hclog.LevelFromString(o.log), Output: os.Stderr})

	authority, forget, err := openAuthority(o)
	if err != nil {
		return err
	}
	defer forget()
	listeners, err := listen(o, authority, log)
	if err != nil {
		return err
	}
	addresses := make([]string, 0, len(listeners))
	for _, listener := range listeners {
		defer func() { _ = listener.Close() }()
		addresses = append(addresses, listener.URL())
	}
	control, err := front.Listen(o.control, nil, log.StandardLogger(nil))
	if err != nil {
		return fmt.Errorf("control address: %w", err)
	}
	defer func() { _ = control.Close() }()

	vault, err := server.Open(server.Config{Storage: o.storage, Addresses: addresses, Log: log})
	if err != nil {
		return err
	}
	defer vault.Close()
	line := ready{Control: control.URL(), Address: addresses[0]}
	nodes := make([]*front.Node, 0, len(listeners))
	for i, node := range vault.Nodes() {
		direct, err := front.Listen("127.0.0.1:0", nil, log.StandardLogger(nil))
		if err != nil {
			return fmt.Errorf("direct address: %w", err)
		}
		defer func() { _ = direct.Close() }()
		direct.Serve(node.Handler())
		line.Direct = append(line.Direct, direct.URL())
		layer := fault.NewLayer(node.Handler())
		listeners[i].Serve(layer)
		nodes = append(nodes, &front.Node{
			Listener: listeners[i], Layer: layer, Seal: node.Seal, Unseal: node.Unseal,
			Health: func() map[string]any { return map[string]any{"status": node.Status()} },
		})
	}
	if authority != nil {
		line.CACert = authority.File()
	}
	if err := vault.Start(ctx, addresses, line.CACert); err != nil {
		return err
	}
	var standby *front.Node
	if len(nodes) > 1 {
		standby, line.StandbyAddress = nodes[1], addresses[1]
	}
	for _, node := range nodes {
		node.Layer.Reset() // raft's nodes have asked each other
	}
	control.Serve(front.Control(nodes[0], standby, authority))
	line.RootToken, line.UnsealKeys = vault.RootToken(), vault.UnsealKeys()
	if err := announce(output, line, o.stay); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// openAuthority makes the certificate authority in the storage's folder, or in a temporary one that forget removes. Without
// TLS it is nil.
func openAuthority(o options) (authority *front.Authority, forget func(), err error) {
	forget = func() {}
	if !o.tls {
		return nil, forget, nil
	}
	folder := o.storage.Folder
	if folder == "" {
		if folder, err = os.MkdirTemp("", "devvault-"); err != nil {
			return nil, forget, err
		}
		temporary := folder
		forget = func() { _ = os.RemoveAll(temporary) }
	}
	authority, err = front.OpenAuthority(folder)
	return authority, forget, err
}

// listen takes the ports for clients.
func listen(o options, authority *front.Authority, log hclog.Logger) ([]*front.Listener, error) {
	asked := []string{o.listen}
	if o.standby {
		asked = append(asked, o.standbyListen)
	}
	var listeners []*front.Listener
	for _, address := range asked {
		var listener *front.Listener
		var err error
		if authority != nil {
			listener, err = front.Listen(address, authority.TLS(), log.StandardLogger(nil))
		} else {
			listener, err = front.Listen(address, nil, log.StandardLogger(nil))
		}
		if err != nil {
			for _, open := range listeners {
				_ = open.Close()
			}
			return nil, err
		}
		listeners = append(listeners, listener)
	}
	return listeners, nil
}

// announce says that the server is ready.
func announce(output io.Writer, line ready, people bool) error {
	if !people {
		return json.NewEncoder(output).Encode(line)
	}
	fmt.Fprintf(output, "export VAULT_ADDR=%s VAULT_TOKEN=%s", line.Address, line.RootToken)
	if line.CACert != "" {
		fmt.Fprintf(output, " VAULT_CACERT=%s", line.CACert)
	}
	_, err := fmt.Fprintf(output, "\n# control: %s", line.Control)
	if line.StandbyAddress != "" {
		_, err = fmt.Fprintf(output, "   standby: %s", line.StandbyAddress)
	}
	if err == nil {
		_, err = fmt.Fprintln(output)
	}
	return err
}
