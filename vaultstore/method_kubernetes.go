package vaultstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/api/auth/kubernetes"
)

// DefaultServiceAccountTokenFile is where Kubernetes puts a pod's service account token.
const DefaultServiceAccountTokenFile = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// kubernetesMethod signs in with a service account's token.
type kubernetesMethod struct {
	role    string
	options methodOptions
}

// Kubernetes signs in with the pod's service account token, read at each login because Kubernetes replaces it. Options:
// Mount, ServiceAccountTokenFile.
func Kubernetes(role string, options ...MethodOption) Method {
	defaults := methodOptions{mount: "kubernetes", serviceTokenFile: DefaultServiceAccountTokenFile}
	return kubernetesMethod{role: role, options: defaults.apply(options)}
}

func (m kubernetesMethod) Name() string         { return "kubernetes" }
func (m kubernetesMethod) mark() credentialMark { return markOf(m.options.serviceTokenFile) }
func (m kubernetesMethod) follows() bool        { return false }

func (m kubernetesMethod) validate() error {
	if m.role == "" {
		return errors.New("the role is empty")
	}
	if m.options.serviceTokenFile == "" {
		return errors.New("the service account token's file is not named")
	}
	return validateMount(m.options.mount)
}

func (m kubernetesMethod) login(ctx context.Context, client *api.Client) (*api.Secret, error) {
	// The helper would read the file only once, when it is made, and use the default file if this one is empty.
	token, err := readCredential(m.options.serviceTokenFile)
	if err != nil {
		return nil, fmt.Errorf("reading the service account token: %w", err)
	}
	helper, err := kubernetes.NewKubernetesAuth(m.role,
		kubernetes.WithServiceAccountToken(token), kubernetes.WithMountPath(m.options.mount))
	if err != nil {
		return nil, err
	}
	return helper.Login(ctx, client)
}
