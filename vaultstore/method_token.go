package vaultstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/vault/api"
)

// tokenMethod uses a given token. It has a function and not the text, so that no formatting can print it.
type tokenMethod struct {
	source func() string
	origin string // what to tell the operator if there is no token
}

// Token uses the given token: renewed if that is possible, else used until Vault refuses it.
func Token(token string) Method {
	token = strings.TrimSpace(token)
	return tokenMethod{source: func() string { return token }, origin: "token"}
}

// environmentToken uses the token in VAULT_TOKEN, read at each login.
func environmentToken() Method {
	return tokenMethod{
		source: func() string { return strings.TrimSpace(os.Getenv(api.EnvVaultToken)) },
		origin: "no method of signing in, and " + api.EnvVaultToken,
	}
}

func (m tokenMethod) Name() string         { return "token" }
func (m tokenMethod) mark() credentialMark { return credentialMark{} }
func (m tokenMethod) follows() bool        { return false }

// validate checks a given token only: the environment is read when it is used.
func (m tokenMethod) validate() error {
	if m.origin != "token" {
		return nil
	}
	return validateToken(m.source())
}

func (m tokenMethod) login(ctx context.Context, client *api.Client) (*api.Secret, error) {
	token := m.source()
	if err := validateToken(token); err != nil {
		return nil, fmt.Errorf("%s: %w", m.origin, err)
	}
	return describeToken(ctx, client, token)
}

// validateToken refuses what cannot be sent as a token.
func validateToken(token string) error {
	if token == "" {
		return errors.New("the token is empty")
	}
	if strings.ContainsFunc(token, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return errors.New("the token has characters that no token has")
	}
	return nil
}

// describeToken asks Vault for a token's lifetime and returns it in the form of a login's answer. A token that may not
// look itself up (it lacks the policy "default") is used as it is.
func describeToken(ctx context.Context, client *api.Client, token string) (*api.Secret, error) {
	auth := &api.SecretAuth{ClientToken: token}
	found, err := withToken(client, token).Auth().Token().LookupSelfWithContext(ctx)
	if err != nil {
		if judgeToken(err) == tokenUnclear {
			return &api.Secret{Auth: auth}, nil
		}
		return nil, fmt.Errorf("looking the token up: %w", err)
	}
	lives, err := found.TokenTTL()
	if err != nil {
		return nil, fmt.Errorf("looking the token up: reading its time to live: %w", err)
	}
	if auth.Renewable, err = found.TokenIsRenewable(); err != nil {
		return nil, fmt.Errorf("looking the token up: reading whether it can be renewed: %w", err)
	}
	auth.LeaseDuration = int(lives.Seconds())
	return &api.Secret{Auth: auth}, nil
}

// tokenState is what Vault's answer to a token's lookup of itself says about the token.
type tokenState int

const (
	tokenUnknown tokenState = iota // Vault did not judge it: unreachable, sealed, limited …
	tokenLive
	tokenDead    // expired, revoked, or never one
	tokenUnclear // refused, but perhaps only the lookup is not allowed
)

// judgeToken reads the answer to auth/token/lookup-self.
func judgeToken(err error) tokenState {
	if err == nil {
		return tokenLive
	}
	var answer *api.ResponseError
	if !errors.As(err, &answer) || answer.StatusCode != http.StatusForbidden || answer.RawError {
		return tokenUnknown
	}
	// For an unknown token, Vault says "invalid token" in addition to "permission denied".
	for _, words := range answer.Errors {
		if strings.Contains(words, "invalid token") {
			return tokenDead
		}
	}
	return tokenUnclear
}

// inquiry is one question to Vault whether a token lives.
type inquiry struct {
	done  chan struct{} // closed when state and at are set
	state tokenState
	at    time.Time
}

// inquire asks Vault whether a token lives: once for all callers, and not again within a second.
func (c *Connection) inquire(ctx context.Context, asked *login) tokenState {
	asked.mutex.Lock()
	question := asked.inquiry
	if question == nil || question.old() {
		question = &inquiry{done: make(chan struct{})}
		if !c.begin(func() { c.ask(asked, question) }) {
			asked.mutex.Unlock()
			return tokenUnknown
		}
		asked.inquiry = question
	}
	asked.mutex.Unlock()
	select {
	case <-question.done:
		return question.state
	case <-ctx.Done():
		return tokenUnknown
	}
}

// old reports whether the answer is too old to be used.
func (i *inquiry) old() bool {
	select {
	case <-i.done:
		return time.Since(i.at) >= lookEvery
	default:
		return false
	}
}

// ask makes the call, which is bounded by the client's timeout.
func (c *Connection) ask(asked *login, question *inquiry) {
	_, err := asked.client.Auth().Token().LookupSelfWithContext(c.life)
	question.state = judgeToken(err)
	question.at = time.Now()
	close(question.done)
}
