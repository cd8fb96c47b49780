//go:build !race

package server

import (
	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/audit"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/credential/cert"
	"github.com/hashicorp/vault/builtin/logical/totp"
	"github.com/hashicorp/vault/builtin/logical/transit"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
)

// secretEngines can be mounted, besides those of every Vault (system, identity, cubbyhole).
var secretEngines = map[string]logical.Factory{
	"kv":      kv.Factory,
	"transit": transit.Factory,
	"totp":    totp.Factory,
}

// authMethods can be enabled, besides tokens.
var authMethods = map[string]logical.Factory{
	"approle":    approle.Factory,
	"cert":       cert.Factory,
	"kubernetes": kubernetes.Factory,
}

// auditDevices has one that writes to a file, in which a test can read the requests to Vault.
var auditDevices = map[string]audit.Factory{
	"file": audit.NewFileBackend,
}

// registry is a catalogue of plugins with only those of the maps above. Vault's own would add the drivers of a dozen
// databases and clouds.
type registry struct{}

// factories returns the map for a type of plugin.
func (registry) factories(kind consts.PluginType) map[string]logical.Factory {
	switch kind {
	case consts.PluginTypeSecrets:
		return secretEngines
	case consts.PluginTypeCredential:
		return authMethods
	default:
		return nil
	}
}

// Contains reports whether there is such a plugin.
func (r registry) Contains(name string, kind consts.PluginType) bool {
	_, found := r.factories(kind)[name]
	return found
}

// Get is for plugins that the core's own maps do not have; there are none.
func (registry) Get(string, consts.PluginType) (func() (any, error), bool) { return nil, false }

// Keys lists the plugins.
func (r registry) Keys(kind consts.PluginType) []string {
	names := []string{}
	for name := range r.factories(kind) {
		names = append(names, name)
	}
	return names
}

// DeprecationStatus returns that an existing plugin is supported.
func (r registry) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, r.Contains(name, kind)
}

// IsBuiltinEntPlugin returns false: no plugin here is of the enterprise edition.
func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
