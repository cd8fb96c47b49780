package vaultstore

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"

	"github.com/hashicorp/vault/api"
)

// certMethod signs in with the connection's client certificate.
type certMethod struct {
	role    string
	options methodOptions
	files   []string // the certificate and its key, set by NewConnection
}

// Cert signs in with the client certificate of the connection, which must be set. With an empty role Vault tries each
// role that the certificate fits. Options: Mount.
func Cert(role string, options ...MethodOption) Method {
	return certMethod{role: role, options: methodOptions{mount: "cert"}.apply(options)}
}

func (m certMethod) Name() string    { return "cert" }
func (m certMethod) follows() bool   { return false }
func (m certMethod) validate() error { return validateMount(m.options.mount) }

func (m certMethod) login(ctx context.Context, client *api.Client) (*api.Secret, error) {
	data := map[string]any{}
	if m.role != "" {
		data["name"] = m.role
	}
	secret, err := client.Logical().WriteWithContext(ctx, "auth/"+m.options.mount+"/login", data)
	if err != nil {
		return nil, fmt.Errorf("presenting the client certificate: %w", err)
	}
	return secret, nil
}

// mark is a mark of both files together, because one is written before the other.
func (m certMethod) mark() credentialMark {
	digest := sha256.New()
	for _, name := range m.files {
		content, err := os.ReadFile(name)
		if err != nil {
			return credentialMark{}
		}
		_, _ = fmt.Fprintf(digest, "%q\n", content)
	}
	return credentialMark(digest.Sum(nil))
}
