package apps

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/process"
)

// AliceMail, BobMail and MalloryMail are the accounts in apps where an e-mail address is an account's name.
var (
	AliceMail = Account{Name: Alice.Email, Password: Alice.Password, FullName: Alice.FullName, Email: Alice.Email}
	BobMail   = Account{Name: Bob.Email, Password: Bob.Password, FullName: Bob.FullName, Email: Bob.Email}

	MalloryMail = Account{Name: Mallory.Email, Password: Mallory.Password, FullName: Mallory.FullName, Email: Mallory.Email}
)

// DirectusSecret is what Directus signs its tokens with.
const DirectusSecret = "saltsaltsaltsaltsaltsaltsaltsalt"

// StartDirectus runs Directus over SQLite. Alice administers; Bob has an account with the same rights. Ready within a
// minute.
func StartDirectus(t testing.TB) *App {
	t.Helper()
	folder, version := npmApp(t, "directus")
	app := &App{Name: "directus", Folder: t.TempDir(), Version: "Directus " + version}
	app.write(t, "extensions/.keep", "")
	app.write(t, "uploads/.keep", "")
	environment := []string{
		"KEY=" + strings.Repeat("salt", 8), "SECRET=" + DirectusSecret, "DB_CLIENT=sqlite3", "DB_FILENAME=" + filepath.Join(app.Folder, "data.db"),
		"ADMIN_EMAIL=" + Alice.Email, "ADMIN_PASSWORD=" + Alice.Password, "TELEMETRY=false", "WEBSOCKETS_ENABLED=true", "LOG_LEVEL=warn",
		"EXTENSIONS_PATH=" + filepath.Join(app.Folder, "extensions"), "STORAGE_LOCAL_ROOT=" + filepath.Join(app.Folder, "uploads"), "HOST=127.0.0.1",
	}
	app.run(t, environment, node(folder, "directus", "bootstrap")...)
	app.serve(t, "/server/ping", func(address string) process.Program {
		_, port, _ := net.SplitHostPort(address)
		return process.Program{Folder: app.Folder, Arguments: node(folder, "directus", "start"), Environment: append(environment, "PORT="+port)}
	})
	app.addDirectusUser(t, Bob)
	app.addDirectusUser(t, Mallory)
	return app
}

// addDirectusUser makes an account as Alice, with a role like hers.
func (a *App) addDirectusUser(t testing.TB, account Account) {
	t.Helper()
	var signedIn struct {
		Data struct {
			Token string `json:"access_token"`
			Role  string
		}
	}
	a.call(t, http.MethodPost, "/auth/login", "", map[string]string{"email": Alice.Email, "password": Alice.Password}, &signedIn)
	token := signedIn.Data.Token
	a.call(t, http.MethodGet, "/users/me?fields=role", token, nil, &signedIn)
	a.call(t, http.MethodPost, "/users", token, map[string]string{
		"email": account.Email, "password": account.Password, "first_name": account.FullName, "role": signedIn.Data.Role,
	}, nil)
}

// call sends JSON directly to the app, with the bearer token if it is not empty.
func (a *App) call(t testing.TB, method, path, token string, question, answer any) {
	t.Helper()
	var body io.Reader
	if question != nil {
		text, err := json.Marshal(question)
		if err != nil {
			t.Fatal(err)
		}
		body = strings.NewReader(string(text))
	}
	request, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatalf("%s: %v", a.Name, err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode/100 != 2 {
		t.Fatalf("%s: %s %s: %s %v: %s", a.Name, method, path, response.Status, err, text)
	}
	if answer != nil {
		if err := json.Unmarshal(text, answer); err != nil {
			t.Fatalf("%s: %v: %s", a.Name, err, text)
		}
	}
}
