package vaultstore

import (
	"fmt"
	"strings"
)

// Policy returns the least policy, in Vault's HCL, that the gateway needs: for the records and the session key below
// the mount's path, the transit key if one is named, and the token's lookup and renewal of itself. Errors name the
// setting.
func Policy(mount, path, transitKey string) (string, error) {
	mount, err := cleanPath("mount", mount, DefaultMount)
	if err != nil {
		return "", err
	}
	if path, err = cleanPath("path", path, DefaultPath); err != nil {
		return "", err
	}
	var out strings.Builder
	rule := func(why, where string, capabilities ...string) {
		fmt.Fprintf(&out, "# %s\npath %q {\n  capabilities = [\"%s\"]\n}\n\n", why, where, strings.Join(capabilities, `", "`))
	}
	rule("The records, each changed by check-and-set.", mount+"/data/"+path+"/*", "create", "read", "update")
	rule("Their metadata: one version only; disabling deletes them.", mount+"/metadata/"+path+"/*",
		"read", "update", "delete", "list")
	rule("Older versions, where the mount keeps more than one.", mount+"/destroy/"+path+"/*", "update")
	if transitKey != "" {
		key, err := newTransit(nil, transitKey)
		if err != nil {
			return "", err
		}
		rule("Seeds are sealed by the transit engine as well.", key.mount+"/encrypt/"+key.key, "update")
		rule("", key.mount+"/decrypt/"+key.key, "update")
		rule("Which version of the key is the latest.", key.mount+"/keys/"+key.key, "read")
	}
	rule("The gateway's own token.", "auth/token/lookup-self", "read")
	rule("", "auth/token/renew-self", "update")
	return strings.ReplaceAll(strings.TrimRight(out.String(), "\n")+"\n", "# \n", ""), nil
}
