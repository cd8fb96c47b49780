package sallyport

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rooms says for each package of the core which others of this module it may use, directly or through others.
var rooms = map[string][]string{
	"match":     {},
	"gate":      {"match"},
	"age":       {},
	"factor":    {"age"},
	"custody":   {"match"},
	"login":     {"match"},
	"session":   {"age", "custody", "gate", "match"},
	"pages":     {},
	"inject":    {},
	"event":     {},
	"gateway":   {"age", "custody", "event", "factor", "gate", "inject", "login", "match", "pages", "session"},
	"boltfile":  {},
	"filestore": {"age", "boltfile", "factor"},
	"demo":      {},

	"factor/totp":                {"age", "factor"},
	"factor/recovery":            {"age", "factor"},
	"factor/storetest":           {"age", "factor"},
	"factor/schema1test":         {},
	"session/storetest":          {"age", "custody", "gate", "match", "session"},
	"sessionstore/file":          {"age", "boltfile", "custody", "gate", "match", "session"},
	"sessionstore/postgres":      {"age", "custody", "gate", "match", "session"},
	"sessionstore/redis":         {"age", "custody", "gate", "match", "session"},
	"sessionstore/seal":          {"age", "custody", "gate", "match", "session"},
	"sessionstore/seal/sealtest": {"age", "custody", "gate", "match", "session", "sessionstore/seal"},
}

// foreign are dependencies that have one room each.
var foreign = map[string][]string{
	"github.com/caddyserver/":              {},
	"github.com/hashicorp/vault":           {},
	"go.uber.org/zap":                      {},
	"github.com/alexedwards/scs":           {"session", "gateway", "session/storetest", "sessionstore/file", "sessionstore/postgres", "sessionstore/redis", "sessionstore/seal", "sessionstore/seal/sealtest"},
	"go.etcd.io/bbolt":                     {"boltfile", "filestore", "sessionstore/file"},
	"github.com/redis/":                    {"sessionstore/redis"},
	"github.com/jackc/":                    {"sessionstore/postgres"},
	"github.com/pquerna/otp":               {"factor/totp"},
	"github.com/skip2/go-qrcode":           {"pages", "gateway"},
	"github.com/klauspost/compress":        {"login", "gateway"},
	"github.com/andybalholm/brotli":        {"login", "gateway"},
	"golang.org/x/crypto/bcrypt":           {"demo"},
	"golang.org/x/crypto/blowfish":         {"demo"},
	"github.com/coder/websocket":           {"demo"},
	"golang.org/x/crypto/chacha20poly1305": {"filestore", "gateway", "sessionstore/seal", "sessionstore/seal/sealtest"},
}

// TestArrowsPointDown keeps the house of contract 7: the core knows nothing of Caddy, Vault or, but for
// session, of scs, and no room knows one that lies above it.
func TestArrowsPointDown(t *testing.T) {
	for room, allowed := range rooms {
		t.Run(room, func(t *testing.T) {
			output, err := exec.CommandContext(context.Background(), "go", "list", "-deps", "./"+room).Output()
			if err != nil {
				t.Fatalf("go list: %v", err)
			}
			dependencies := strings.Fields(string(output))
			if !slices.Contains(dependencies, "sallyport/"+room) {
				t.Fatalf("go list says nothing of the room itself: %s", output)
			}
			for _, dependency := range dependencies {
				if other, own := strings.CutPrefix(dependency, "sallyport/"); own && other != room && !slices.Contains(allowed, other) {
					t.Errorf("%s uses %s", room, other)
				}
				for prefix, where := range foreign {
					if strings.HasPrefix(dependency, prefix) && !slices.Contains(where, room) {
						t.Errorf("%s uses %s", room, dependency)
					}
				}
			}
		})
	}
}

// TestGateIsPure: the decision opens nothing and keeps nothing.
func TestGateIsPure(t *testing.T) {
	output, err := exec.CommandContext(context.Background(), "go", "list", "-f", `{{join .Imports "\n"}}`, "./gate", "./match").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, forbidden := range []string{"os", "sync", "time", "io", "context", "log/slog"} {
		if slices.Contains(strings.Fields(string(output)), forbidden) {
			t.Errorf("gate or match imports %s", forbidden)
		}
	}
}
