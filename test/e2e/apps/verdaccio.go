package apps

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"sallyport.example/sallyport/test/process"
)

// StartVerdaccio runs Verdaccio with accounts for Alice and Bob, who both see its one package, "harbour"; strangers see
// none. Ready within ten seconds.
func StartVerdaccio(t testing.TB) *App {
	t.Helper()
	folder, version := npmApp(t, "verdaccio")
	app := &App{Name: "verdaccio", Folder: t.TempDir(), Version: "Verdaccio " + version}
	accounts := ""
	for _, account := range everybody {
		hash, err := bcrypt.GenerateFromPassword([]byte(account.Password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		accounts += account.Name + ":" + string(hash) + "\n"
	}
	app.write(t, "htpasswd", accounts)
	app.write(t, "config.yaml", `storage: ./storage
auth:
  htpasswd: {file: ./htpasswd, algorithm: bcrypt, rounds: 4}
uplinks: {}
userRateLimit: {windowMs: 1000, max: 1000000}
server: {rateLimit: {windowMs: 1000, max: 1000000}}
web: {rateLimit: {windowMs: 1000, max: 1000000}}
packages:
  '**': {access: $authenticated, publish: $authenticated}
log: {type: stdout, format: json, level: http}
`)
	app.serve(t, "/-/ping", func(address string) process.Program {
		return process.Program{Folder: app.Folder, Arguments: node(folder, "verdaccio", "--config", filepath.Join(app.Folder, "config.yaml"), "--listen", address)}
	})
	app.publish(t, "harbour", "The tide comes in at seven.")
	return app
}

// publish puts a package into the registry, as npm does.
func (a *App) publish(t testing.TB, name, description string) {
	t.Helper()
	tarball := []byte("not unpacked by anybody")
	sum := sha1.Sum(tarball) // npm's protocol requires it
	about := map[string]any{
		"name": name, "version": "1.0.0", "description": description, "readme": description,
		"dist": map[string]any{"tarball": a.URL + "/" + name + "/-/" + name + "-1.0.0.tgz", "shasum": hex.EncodeToString(sum[:])},
	}
	document, err := json.Marshal(map[string]any{
		"_id": name, "name": name, "description": description, "readme": description, "dist-tags": map[string]any{"latest": "1.0.0"},
		"versions":     map[string]any{"1.0.0": about},
		"_attachments": map[string]any{name + "-1.0.0.tgz": map[string]any{"content_type": "application/octet-stream", "data": base64.StdEncoding.EncodeToString(tarball), "length": len(tarball)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPut, fmt.Sprintf("%s/%s", a.URL, name), bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.SetBasicAuth(Alice.Name, Alice.Password)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusCreated {
		t.Fatalf("%s: %s cannot be published: %s %s", a.Name, name, answer.Status, text)
	}
}
