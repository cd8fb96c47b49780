package e2e

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// TestP6_LostSecretsFile: the volume of the secrets file is not mounted, and the key is on another one. If the gateway
// made a new file, it would let in somebody who has alice's password, and show him the page to set up her factor. It
// does not start, and says what to do; only an operator may begin with a new file. The control: when the file is back,
// alice is asked for her factor.
func TestP6_LostSecretsFile(t *testing.T) {
	t.Parallel()
	folder, keys := t.TempDir(), t.TempDir()
	file, key := filepath.Join(folder, "volume", "secrets.db"), filepath.Join(keys, "secrets.key")
	l := newLedger(t, demo.Knobs{}, "", site.Options{Secrets: "secrets file " + file + " {\n\t\t\tkey_file " + key + "\n\t\t}"})
	within(t, secondsToLog, "the log says that a new secrets file was made", func() bool { return strings.Contains(l.Log(), "nobody is enrolled") })
	l.enrolled(t, "alice", demo.AlicePassword)
	l.Stop()
	config := filepath.Join(l.Folder, "Caddyfile")
	if said := run(t, false, "secrets", "init", "--config", config); !strings.Contains(said, "already") {
		t.Errorf("beside the file `secrets init` says %s", said)
	}
	if err := os.Rename(filepath.Dir(file), filepath.Join(folder, "away")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		// A gateway that started all the same would run for ever.
		ctx, cancel := context.WithTimeout(t.Context(), secondsToLog)
		output, err := exec.CommandContext(ctx, site.Binary(t), "run", "--config", config).CombinedOutput()
		cancel()
		if err == nil || !strings.Contains(string(output), file) || !strings.Contains(string(output), "secrets init") {
			t.Fatalf("%v; want an error that names the file, and what to do\n%s", err, output)
		}
		if _, err := os.Stat(file); err == nil {
			t.Fatal("a new file was made")
		}
	}
	if err := os.Rename(filepath.Join(folder, "away"), filepath.Dir(file)); err != nil {
		t.Fatal(err)
	}
	l.Run()
	signIn(t, l.Client(t), "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	l.Stop()
	if err := os.RemoveAll(filepath.Dir(file)); err != nil {
		t.Fatal(err)
	}
	if said := run(t, true, "secrets", "init", "--config", config); !strings.Contains(said, file) || !strings.Contains(said, key) {
		t.Errorf("`secrets init` says %s", said)
	}
	l.Run()
	signIn(t, l.Client(t), "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/")
}

// TestMoveSecretsOfNothing: with a mistyped path, or a volume that is not mounted, the command moves nothing, makes
// nothing and says so. An empty file is moved only if that is what the operator asks for.
func TestMoveSecretsOfNothing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	config := caddyfileWith(t, "secrets vault http://127.0.0.1:9")
	for _, arguments := range [][]string{
		{"--from", "file:" + filepath.Join(folder, "a", "none.db"), "--to", "vault"},
		{"--from", "file:" + filepath.Join(folder, "none.db"), "--to", "vault", "--key-file", filepath.Join(folder, "b", "key")},
		{"--from", "vault", "--to", "file:" + filepath.Join(folder, "c", "new.db")},
	} {
		run(t, false, append([]string{"move-secrets", "--config", config, "--allow-empty"}, arguments...)...)
		if made, err := os.ReadDir(folder); err != nil || len(made) != 0 {
			t.Fatalf("%v: made %v (%v)", arguments, made, err)
		}
	}
	empty := filepath.Join(folder, "empty.db")
	run(t, true, "secrets", "init", "--config", caddyfileWith(t, "secrets file "+empty))
	said := run(t, false, "move-secrets", "--config", config, "--from", "file:"+empty, "--to", "vault", "--delete-source")
	if !strings.Contains(said, "--allow-empty") {
		t.Errorf("of an empty file: %s", said)
	}
	said = run(t, true, "move-secrets", "--config", config, "--from", "file:"+empty, "--to", "vault", "--delete-source", "--allow-empty")
	if !strings.Contains(said, "0 records") {
		t.Errorf("of an empty file that is meant: %s", said)
	}
	if _, err := os.Stat(empty); err == nil {
		t.Error("the empty file was not removed")
	}
}
