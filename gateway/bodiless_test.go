package gateway

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gate"
)

// TestP1_BodyOfUnsaidLength: over HTTP/3 no header says that there is no body. A stranger's page load without one goes
// to the app, and its length says so from then on. With a body it does not go, whatever the header says.
func TestP1_BodyOfUnsaidLength(t *testing.T) {
	s := newSite(t, demo.Knobs{}, func(config *Config) { config.Public = gate.Open("/static/*") })
	broken := errors.New("reset by peer")
	for name, test := range map[string]struct {
		body    func() io.Reader
		reaches bool
	}{
		"none":           {func() io.Reader { return strings.NewReader("") }, true},
		"a byte":         {func() io.Reader { return strings.NewReader("x") }, false},
		"a login":        {func() io.Reader { return strings.NewReader("username=alice&password=" + demo.AlicePassword) }, false},
		"with its end":   {func() io.Reader { return iotest.DataErrReader(strings.NewReader("x")) }, false},
		"one broken off": {func() io.Reader { return iotest.ErrReader(broken) }, false},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			for _, path := range []string{"/login", "/static/style.css"} {
				r := httptest.NewRequest(method, path, test.body())
				r.ContentLength = -1
				r.TLS = httptest.NewRequest(http.MethodGet, "https://localhost/", nil).TLS
				reached := false
				err := s.gateway.ServeHTTP(httptest.NewRecorder(), r, func(w http.ResponseWriter, r *http.Request) error {
					reached = true
					if text, err := io.ReadAll(r.Body); r.ContentLength != 0 || len(text) > 0 || err != nil {
						t.Errorf("%s: the app gets a length of %d, %q, %v", name, r.ContentLength, text, err)
					}
					w.WriteHeader(http.StatusOK)
					return nil
				})
				if err != nil || reached != test.reaches {
					t.Errorf("%s: %s %s reached the app: %t (%v)", name, method, path, reached, err)
				}
			}
		}
	}
}
