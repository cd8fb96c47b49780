package vaultstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/api/auth/approle"
)

// appRoleMethod signs in with a role ID and a secret ID.
type appRoleMethod struct {
	roleID       string
	secretIDFile string
	options      methodOptions
}

// AppRole signs in with AppRole: the role ID as given, the secret ID from a file that is read at each login, so that it
// may be replaced at any time. Options: Mount.
func AppRole(roleID, secretIDFile string, options ...MethodOption) Method {
	return appRoleMethod{
		roleID:       strings.TrimSpace(roleID),
		secretIDFile: secretIDFile,
		options:      methodOptions{mount: "approle"}.apply(options),
	}
}

func (m appRoleMethod) Name() string         { return "approle" }
func (m appRoleMethod) mark() credentialMark { return markOf(m.secretIDFile) }
func (m appRoleMethod) follows() bool        { return false }

func (m appRoleMethod) validate() error {
	if m.roleID == "" {
		return errors.New("the role ID is empty")
	}
	if m.secretIDFile == "" {
		return errors.New("the secret ID's file is not named")
	}
	return validateMount(m.options.mount)
}

func (m appRoleMethod) login(ctx context.Context, client *api.Client) (*api.Secret, error) {
	// Read here and not by the helper, which accepts an empty file as an empty secret ID.
	secretID, err := readCredential(m.secretIDFile)
	if err != nil {
		return nil, fmt.Errorf("reading the secret ID's file: %w", err)
	}
	helper, err := approle.NewAppRoleAuth(m.roleID, &approle.SecretID{FromString: secretID}, approle.WithMountPath(m.options.mount))
	if err != nil {
		return nil, err
	}
	return helper.Login(ctx, client)
}
