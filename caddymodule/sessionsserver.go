package caddymodule

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// serverSessions is the common part of guests that keep sessions on a server, which several gateways share.
type serverSessions struct{ sealedSessions }

// Open checks the server in the background and logs the result: a gateway must also start without it, and recover when
// it returns.
func (s *serverSessions) Open() {
	store := s.pooled.store
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := store.Ping(ctx); err != nil {
			forwardLog.ErrorContext(ctx, "sessions are kept on a server, but not everything works", "place", store.String(), "error", err)
			return
		}
		forwardLog.InfoContext(ctx, "sessions are kept on a server, which takes them", "place", store.String())
	}()
}

// leastTimeout is the shortest timeout that a server may have.
const leastTimeout = 10 * time.Millisecond

// readServer reads the words of a store on a server. The address is required.
func readServer[B any](d *caddyfile.Dispenser, address *string, words table[B], block *B) error {
	said, err := readModule(d, address, words, block)
	if err != nil {
		return err
	}
	if *address == "" {
		name, _ := said.last("")
		return name.wrap(named(name.token.Text, errors.New("the server's address is missing")))
	}
	*address = hideAddress(*address)
	return nil
}

var (
	placeholder = regexp.MustCompile(`\{[^{}]*\}`)
	// A name without a colon before the host may be meant as a password.
	beforeHost   = regexp.MustCompile(`(?s)://(?:[^:]*:)?(.*)@`)
	passwordWord = regexp.MustCompile(`(?i)password\s*=\s*([^\s&]*)`)
)

// hideAddress is hideLiteral for an address whose password is not only placeholders.
func hideAddress(address string) string {
	const replaced = "\x00"
	fixed := placeholder.ReplaceAllString(address, replaced)
	for _, password := range append(beforeHost.FindAllStringSubmatch(fixed, -1), passwordWord.FindAllStringSubmatch(fixed, -1)...) {
		if strings.Trim(password[1], replaced) != "" {
			return hideLiteral(address)
		}
	}
	return address
}

// revealAddress is revealLiteral for the results of hideAddress: the address may have placeholders besides a password.
func revealAddress(address string) (string, error) {
	revealed, err := revealLiteral("address", address)
	if err != nil || !strings.HasPrefix(address, literalPrefix) {
		return revealed, err
	}
	return caddy.NewReplacer().ReplaceKnown(revealed, ""), nil // braces that are no placeholder may be in the password
}
