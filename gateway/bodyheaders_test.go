package gateway

import (
	"net/http"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/internal/match"
)

// TestP1_ProtocolsWithoutABody: some apps choose another protocol by the type of a body, whatever the path is, even if
// there is no body. A stranger's page load of what is public therefore has no content type. Where she may send a body,
// the body keeps its type.
func TestP1_ProtocolsWithoutABody(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(c *Config) {
		c.Public = append(c.Public, gate.Opening{Paths: match.NewGlobs("/static/upload"), Methods: []string{"POST"}})
	})
	said := ""
	s.serve(func(_ http.ResponseWriter, r *http.Request) error {
		said = ""
		for _, name := range upstream.BodyHeaders {
			said += strings.Join(r.Header[name], ",")
		}
		return nil
	})
	sends := http.Header{}
	for _, name := range upstream.BodyHeaders {
		sends[name] = []string{"x"}
	}
	sends["Content-Type"], sends["Content-Encoding"] = []string{"application/x-git-upload-pack-request"}, []string{"identity"}
	b := s.browser()
	if b.ask("POST", "/static/upload", "x", sends).wants(t, http.StatusOK, ""); !strings.HasPrefix(said, "application/x-git") {
		t.Errorf("the control: %q", said)
	}
	for _, method := range []string{"GET", "HEAD", "POST"} {
		path := map[bool]string{true: "/static/upload", false: "/static/x"}[method == "POST"]
		said = "nothing was asked"
		if b.ask(method, path, "", sends).wants(t, http.StatusOK, ""); said != "" {
			t.Errorf("%s: the app is told of %q", method, said)
		}
	}
}
