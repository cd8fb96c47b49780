//go:build !race

package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/hashicorp/go-hclog"

	"sallyport.example/sallyport/test/devvault/fault"
	"sallyport.example/sallyport/test/devvault/front"
	"sallyport.example/sallyport/test/devvault/server"
)

// run runs the server until the context ends or the input closes.
func run(ctx context.Context, o options, input io.Reader, output io.Writer) error {
	if !o.stay {
		var cancel context.CancelFunc
		ctx, cancel = front.UntilClosed(ctx, input)
		defer cancel()
	}
	vaultLog := hclog.New(&hclog.LoggerOptions{Name: "vault", Level: hclog.LevelFromString(o.log), Output: os.Stderr})
	errors := vaultLog.StandardLogger(nil)

	var authority *front.Authority
	if o.tls {
		opened, forget, err := front.OpenAuthorityIn(o.storage.Folder)
		if err != nil {
			return err
		}
		defer forget()
		authority = opened
	}
	listeners, err := listen(o, authority, errors)
	if err != nil {
		return err
	}
	addresses := make([]string, 0, len(listeners))
	for _, listener := range listeners {
		defer func() { _ = listener.Close() }()
		addresses = append(addresses, listener.URL())
	}
	control, err := front.Listen(o.control, nil, errors)
	if err != nil {
		return fmt.Errorf("control address: %w", err)
	}
	defer func() { _ = control.Close() }()

	vault, err := server.Open(server.Config{Storage: o.storage, Addresses: addresses, Log: vaultLog})
	if err != nil {
		return err
	}
	defer vault.Close()
	ready := front.Ready{Control: control.URL(), Address: addresses[0], CACert: authority.File()}
	nodes := make([]*front.Node, 0, len(listeners))
	for i, node := range vault.Nodes() {
		direct, err := front.Listen("127.0.0.1:0", nil, errors)
		if err != nil {
			return fmt.Errorf("direct address: %w", err)
		}
		defer func() { _ = direct.Close() }()
		direct.Serve(node.Handler())
		ready.Direct = append(ready.Direct, direct.URL())
		layer := fault.NewLayer(node.Handler())
		listeners[i].Serve(layer)
		nodes = append(nodes, &front.Node{
			Listener: listeners[i], Layer: layer, Seal: node.Seal, Unseal: node.Unseal, Status: node.Status,
		})
	}
	if o.initialise {
		if err := vault.Start(ctx, addresses, ready.CACert); err != nil {
			return err
		}
	}
	var standby *front.Node
	if len(nodes) > 1 {
		standby, ready.StandbyAddress = nodes[1], addresses[1]
	}
	for _, node := range nodes {
		node.Layer.Reset() // raft's nodes have sent requests to each other
	}
	control.Serve(front.Control(nodes[0], standby, authority))
	ready.RootToken, ready.UnsealKeys = vault.RootToken(), vault.UnsealKeys()
	announce := ready.Announce
	if o.stay {
		announce = ready.AnnounceToPeople
	}
	if err := announce(output); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// listen takes the ports for clients.
func listen(o options, authority *front.Authority, errors *log.Logger) ([]*front.Listener, error) {
	asked := []string{o.listen}
	if o.standby {
		asked = append(asked, o.standbyListen)
	}
	var listeners []*front.Listener
	for _, address := range asked {
		listener, err := front.Listen(address, authority.TLS(), errors)
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
