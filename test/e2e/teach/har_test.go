package teach

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// pair is a name and a value, as an archive has them.
type pair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// archive records what a browser does, and writes it as browsers export it.
type archive struct {
	mutex   sync.Mutex
	entries []map[string]any
}

func pairs(header http.Header) (list []pair) {
	for name, values := range header {
		for _, value := range values {
			list = append(list, pair{name, value})
		}
	}
	return list
}

// recording serves an app, and records all requests and answers.
func (a *archive) recording(t testing.TB, app string) string {
	t.Helper()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: app})
	proxy.ModifyResponse = func(answer *http.Response) error {
		content, err := io.ReadAll(answer.Body)
		answer.Body = io.NopCloser(bytes.NewReader(content))
		r := answer.Request
		body, _ := r.Context().Value(bodyKey{}).(string)
		request := map[string]any{"method": r.Method, "url": "http://" + app + r.URL.RequestURI(), "headers": pairs(r.Header)}
		if body != "" {
			request["postData"] = map[string]any{"mimeType": r.Header.Get("Content-Type"), "text": body}
		}
		a.mutex.Lock()
		defer a.mutex.Unlock()
		a.entries = append(a.entries, map[string]any{
			"startedDateTime": time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"), "request": request,
			"response": map[string]any{
				"status": answer.StatusCode, "headers": pairs(answer.Header),
				"content": map[string]any{"mimeType": answer.Header.Get("Content-Type"), "text": string(content)},
			},
		})
		return err
	}
	return site.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r.WithContext(withBody(r.Context(), string(body))))
	}))
}

// write writes the archive, with a request to another site in it.
func (a *archive) write(t testing.TB) string {
	t.Helper()
	other := map[string]any{
		"startedDateTime": "2000-01-01T00:00:00Z", "request": map[string]any{"method": "GET", "url": "https://cdn.example/x.css", "headers": []pair{}},
		"response": map[string]any{"status": 200, "headers": []pair{}, "content": map[string]any{"mimeType": "text/css", "text": ""}},
	}
	content, err := json.Marshal(map[string]any{"log": map[string]any{"version": "1.2", "entries": append(a.entries, other)}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "login.har")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestArchive: from a browser's export the same block is proposed as from the live app, and with --try it is tried.
func TestArchive(t *testing.T) {
	t.Parallel()
	for _, v := range variants() {
		if v.name != "form" && v.name != "bearer token" && v.name != "basic" && v.name != "nothing names the account" {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			app := site.Serve(t, v.app)
			record := new(archive)
			through := record.recording(t, app)
			v.steps(t)((&site.Site{Address: through, URL: "http://" + through}).Client(t))
			file := record.write(t)

			alone := Archive(t, file)
			if alone.Status != 0 || !strings.Contains(alone.Block, "# Not tried") {
				t.Errorf("status %d:\n%s\n%s", alone.Status, alone.Block, alone.Said)
			}
			tried := Archive(t, file, "--try", "http://"+app)
			words := tried.Words(t)
			t.Logf("%s\n%s", tried.Block, tried.Said)
			if tried.Status != 0 || len(tried.Failures()) > 0 || !strings.Contains(words, "ok         ") {
				t.Errorf("status %d, %q", tried.Status, tried.Failures())
			}
			for _, want := range v.want {
				if !strings.Contains(words, want) {
					t.Errorf("no %q", want)
				}
			}
			v.protects(t, app, words)
		})
	}
}

// TestNothingToLearn: without a login in it, an archive, and a browser that only looked, give no block and status 1.
// The same archive with a login gives one (TestArchive).
func TestNothingToLearn(t *testing.T) {
	t.Parallel()
	app := site.Serve(t, demo.New(demo.Options{}))
	record := new(archive)
	through := record.recording(t, app)
	(&site.Site{Address: through, URL: "http://" + through}).Client(t).Get("/login").Wants(t, http.StatusOK, "")
	broken := filepath.Join(t.TempDir(), "broken.har")
	if err := os.WriteFile(broken, []byte(`{"log":`), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, taught := range map[string]Taught{
		"an archive": Archive(t, record.write(t)), "a broken archive": Archive(t, broken), "no archive": Archive(t, broken+".not"),
		"a browser": Live(t, app, func(c *site.Client) { c.Get("/login").Wants(t, http.StatusOK, "") }),
	} {
		if taught.Status != 1 || taught.Block != "" || taught.Said == "" {
			t.Errorf("%s: status %d, block %q, %s", what, taught.Status, taught.Block, taught.Said)
		}
	}
}
