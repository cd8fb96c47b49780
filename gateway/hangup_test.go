package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/gateway/exchange"
)

// slowNames is a store of names that fails as the test says.
type slowNames struct{ err func(context.Context) error }

func (s slowNames) Load(ctx context.Context) ([]string, error) { return nil, s.err(ctx) }
func (s slowNames) Add(context.Context, []string) error        { return nil }

// TestP9_HangUpIsNoStoreFailure: if a client leaves while a store is asked, that is no failure of the store. A store
// that fails while the client is there has failed, and the log names the setting.
func TestP9_HangUpIsNoStoreFailure(t *testing.T) {
	ctx, leave := context.WithCancel(context.Background())
	away := errors.New("storage is away")
	for what, test := range map[string]struct {
		err    func(context.Context) error
		status int
		says   string
	}{
		"hang-up": {func(context.Context) error { leave(); return context.Canceled }, exchange.StatusClientLeft, "level=DEBUG"},
		"failure": {func(context.Context) error { return away }, http.StatusServiceUnavailable, "level=ERROR"},
	} {
		s := newSite(t, demo.Knobs{}, func(c *Config) { c.Names = slowNames{test.err} })
		request := httptest.NewRequest(http.MethodGet, "https://127.0.0.1/", http.NoBody)
		if what == "hang-up" {
			request = request.WithContext(ctx)
		}
		w := httptest.NewRecorder()
		err := s.gateway.ServeHTTP(w, request, func(http.ResponseWriter, *http.Request) error {
			t.Errorf("%s: the app is asked", what)
			return nil
		})
		log := s.logged.String()
		if err != nil || w.Code != test.status || !strings.Contains(log, test.says) {
			t.Errorf("%s: %d %v %s", what, w.Code, err, log)
		}
		switch what {
		case "hang-up":
			if strings.Contains(log, "level=ERROR") || strings.Contains(log, "level=WARN") {
				t.Errorf("it is said: %s", log)
			}
		case "failure":
			if !strings.Contains(log, "setting=storage") || w.Header().Get("Retry-After") == "" {
				t.Errorf("%s %v", log, w.Header())
			}
		}
	}
}
