package apps

import (
	"encoding/json"
	"net"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"sallyport.example/sallyport/test/process"
)

// StartNodeRED runs Node-RED with accounts for Alice, who may do everything, and for Bob, who may look at the editor's
// settings and at nothing of her flows. One of those says "The tide comes in at seven.". Ready within ten seconds.
func StartNodeRED(t testing.TB) *App {
	t.Helper()
	folder, version := npmApp(t, "node-red")
	app := &App{Name: "node-red", Folder: t.TempDir(), Version: "Node-RED " + version}
	type user struct {
		Username    string `json:"username"`
		Password    string `json:"password"`
		Permissions any    `json:"permissions"`
	}
	var users []user
	for account, permissions := range map[Account]any{
		Alice: "*", Bob: []string{"settings.read", "status.read"}, Mallory: []string{"settings.read", "status.read"},
	} {
		hash, err := bcrypt.GenerateFromPassword([]byte(account.Password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, user{account.Name, string(hash), permissions})
	}
	settings, err := json.Marshal(map[string]any{
		"uiHost": "127.0.0.1", "flowFile": "flows.json", "credentialSecret": "salt",
		"adminAuth": map[string]any{"type": "credentials", "users": users},
		// It makes no requests to the internet, and shows no tour.
		"telemetry":       map[string]any{"enabled": false, "updateNotification": false},
		"externalModules": map[string]any{"palette": map[string]any{"allowInstall": false}},
		"editorTheme":     map[string]any{"tours": false},
	})
	if err != nil {
		t.Fatal(err)
	}
	app.write(t, "settings.js", "module.exports = "+string(settings)+";\n")
	app.write(t, "flows.json", `[
	{"id": "aaaaaaaaaaaaaaa1", "type": "tab", "label": "Harbour", "disabled": false, "info": ""},
	{"id": "aaaaaaaaaaaaaaa2", "type": "comment", "z": "aaaaaaaaaaaaaaa1", "name": "The tide comes in at seven.", "info": "", "x": 200, "y": 80, "wires": []}
]
`)
	app.serve(t, "/", func(address string) process.Program {
		_, port, _ := net.SplitHostPort(address)
		return process.Program{Folder: app.Folder, Arguments: node(folder, "node-red",
			"--userDir", app.Folder, "--settings", filepath.Join(app.Folder, "settings.js"), "--port", port)}
	})
	return app
}
