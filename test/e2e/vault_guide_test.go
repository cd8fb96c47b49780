package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
	"sallyport.example/sallyport/test/vault"
)

// fenced finds the code blocks of a guide.
var fenced = regexp.MustCompile("(?ms)^```(sh|caddyfile)\n(.*?)^```$")

// guide is a document that tells an operator what to do.
type guide struct {
	file string
	// from is the heading at which the test begins to follow the guide, and to is the heading before which it ends.
	from, to string
}

// steps returns the guide's blocks of shell commands, and its Caddyfile.
func (g guide) steps(t *testing.T) (commands []string, caddyfile string) {
	t.Helper()
	content, err := os.ReadFile(g.file)
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(content), g.from)
	if !found {
		t.Fatalf("%s has no %q", g.file, g.from)
	}
	text, _, _ = strings.Cut(text, g.to)
	for _, block := range fenced.FindAllStringSubmatch(text, -1) {
		if block[1] == "sh" {
			commands = append(commands, block[2])
		} else {
			caddyfile += block[2]
		}
	}
	if len(commands) < 2 || caddyfile == "" {
		t.Fatalf("%s: %d blocks of commands", g.file, len(commands))
	}
	return commands, caddyfile
}

// vaultCommand puts HashiCorp's `vault`, or a replacement for it, into a folder for programs.
func vaultCommand(t *testing.T, folder string) {
	t.Helper()
	target := filepath.Join(folder, "vault")
	if own, err := exec.LookPath("vault"); err == nil {
		if err := os.Symlink(own, target); err != nil {
			t.Fatal(err)
		}
		return
	}
	if output, err := exec.CommandContext(context.Background(), "go", "build", "-race", "-o", target, "../vault/standin").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
}

// TestVault_Guides: the commands that the README and packaging/vault tell an operator to type work as they are, from an
// empty Vault to an app whose users have their second factors there.
func TestVault_Guides(t *testing.T) {
	t.Parallel()
	programs := t.TempDir()
	vaultCommand(t, programs)
	binary, err := filepath.Abs(site.Binary(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(programs, "sallyport")); err != nil {
		t.Fatal(err)
	}
	for _, g := range []guide{
		{"../../packaging/vault/README.md", "# Vault for Sallyport", "## Later"},
		{"../../README.md", "## Keep the seeds in Vault", "\n## What is promised"},
	} {
		t.Run(g.file, func(t *testing.T) {
			t.Parallel()
			server := vault.Start(t, vault.Options{})
			empty(t, server)
			commands, caddyfile := g.steps(t)
			l := newLedger(t, demo.Knobs{}, "", site.Options{}) // a gateway without Vault
			l.Stop()
			site := l.Caddyfile()
			_, block, _ := strings.Cut(caddyfile, "second_factor {")
			block, _, _ = strings.Cut(block, "\n\t}\n")
			l.Write(strings.Replace(site, site[strings.Index(site, "secrets file"):strings.Index(site, "\n\t\tsessions")], block, 1))
			folder := l.Folder
			for _, step := range commands {
				// The gateway runs below, as in all of these tests.
				step = strings.ReplaceAll(step, "sallyport run --config Caddyfile\n", "")
				command := exec.CommandContext(context.Background(), "bash", "-euo", "pipefail", "-c", step)
				command.Dir = folder
				command.Env = append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"), "VAULT_ADDR="+server.Address, "VAULT_TOKEN="+server.Token(),
					"HOME="+folder, "XDG_DATA_HOME="+folder, "XDG_CONFIG_HOME="+folder)
				if output, err := command.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", step, err, output)
				}
			}
			text := strings.ReplaceAll(l.Caddyfile(), "{env.VAULT_ADDR}", server.Address)
			text = strings.ReplaceAll(text, "{file.role-id}", "{file."+filepath.Join(folder, "role-id")+"}")
			l.Write(strings.ReplaceAll(text, " secret-id", " "+filepath.Join(folder, "secret-id")))
			l.Run()
			l.walk(t)
		})
	}
	policy, err := os.ReadFile("../../packaging/vault/sallyport.hcl")
	if err != nil || string(policy) != run(t, true, "vault-policy", "--transit", "transit/sallyport") {
		t.Errorf("deploy/vault/sallyport.hcl is not what vault-policy prints (%v)", err)
	}
}

// empty removes what devvault prepares.
func empty(t *testing.T, server *vault.Server) {
	t.Helper()
	client := server.Client()
	for _, mount := range []string{"secret", "transit"} {
		if err := client.Sys().Unmount(mount); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Sys().DisableAuth("approle"); err != nil {
		t.Fatal(err)
	}
}
