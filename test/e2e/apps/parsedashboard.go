package apps

import (
	"encoding/json"
	"net"
	"path/filepath"
	"testing"

	"sallyport.example/sallyport/test/process"
)

// StartParseDashboard runs Parse Dashboard with accounts for Alice and Bob. Alice sees the app "harbour" and its key,
// Bob the app "quay". There is no Parse server behind it: browsers would fetch that server's data themselves. Ready
// within five seconds.
func StartParseDashboard(t testing.TB) *App {
	t.Helper()
	folder, version := npmApp(t, "parse-dashboard")
	app := &App{Name: "parse-dashboard", Folder: t.TempDir(), Version: "Parse Dashboard " + version}
	type parseApp map[string]string
	configuration, err := json.Marshal(map[string]any{
		"apps": []parseApp{
			{"serverURL": "http://127.0.0.1:1/parse", "appId": "harbour", "masterKey": "The tide comes in at seven.", "appName": "harbour"},
			{"serverURL": "http://127.0.0.1:1/parse", "appId": "quay", "masterKey": "No ship today.", "appName": "quay"},
		},
		"users": []map[string]any{
			{"user": Alice.Name, "pass": Alice.Password, "apps": []parseApp{{"appId": "harbour"}}},
			{"user": Bob.Name, "pass": Bob.Password, "apps": []parseApp{{"appId": "quay"}}},
			{"user": Mallory.Name, "pass": Mallory.Password, "apps": []parseApp{{"appId": "quay"}}},
		},
		"useEncryptedPasswords": false,
	})
	if err != nil {
		t.Fatal(err)
	}
	app.write(t, "configuration.json", string(configuration))
	app.serve(t, "/login", func(address string) process.Program {
		host, port, _ := net.SplitHostPort(address)
		return process.Program{Folder: app.Folder, Arguments: node(folder, "parse-dashboard", "--config", filepath.Join(app.Folder, "configuration.json"),
			"--host", host, "--port", port, "--allowInsecureHTTP", "1", "--cookieSessionSecret", "saltsaltsalt")}
	})
	return app
}
