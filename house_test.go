package sallyport

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is what Go calls this module.
const module = "sallyport.example/sallyport"

// rooms says for each package of the core which others of this module it may use, directly or through others.
var rooms = map[string][]string{
	"internal/match":     {},
	"gate":               {"internal/age", "internal/match"},
	"internal/age":       {},
	"internal/sendlimit": {"internal/age"},
	"factor":             {"internal/age", "internal/match", "internal/sendlimit"},
	"custody":            {"internal/match"},
	"login":              {"internal/match"},
	"session":            {"internal/age", "custody", "gate", "internal/match"},
	"pages":              {"internal/match", "locale"},
	"locale":             {},
	"internal/testclock": {},
	"internal/inject":    {},
	"event":              {},
	"internal/tlserror":  {},
	"mail":               {"internal/match", "internal/tlserror"},
	"sms":                {"internal/match", "internal/tlserror"},
	"notify":             {"event", "internal/match", "internal/tlserror", "locale", "mail", "sms"},
	"gateway/underway":   {"internal/age", "internal/match", "custody", "gate", "session"},
	"gateway/exchange":   below("exchange"),
	"gateway/upstream":   below("exchange", "upstream"),
	"gateway/signin":     below("exchange", "upstream", "signin"),
	"gateway/portal":     below("exchange", "upstream", "signin", "portal"),
	"gateway/relay":      append(below("exchange", "upstream", "signin", "relay"), "internal/inject"),
	"gateway":            append(below("exchange", "upstream", "signin", "portal", "relay"), "internal/inject"),
	"explain":            append(below("exchange", "upstream", "signin", "portal", "relay"), "gateway", "internal/inject"),
	"learn":              {"internal/match", "login"},
	"learn/trial":        {"internal/match", "learn", "login"},
	"learn/watch":        {"internal/match", "learn", "login"},
	"internal/boltfile":  {},
	"factor/filestore":   {"internal/age", "internal/match", "internal/boltfile", "factor", "internal/sendlimit"},
	"factor/observed":    {"internal/age", "internal/match", "factor", "internal/sendlimit"},
	"demo":               {},
	"operator":           {"internal/age", "internal/match", "custody", "event", "factor", "internal/sendlimit", "gate", "session"},
	"desk": {
		"internal/age", "internal/match", "custody", "event", "factor", "internal/sendlimit", "gate", "locale", "operator", "pages", "session",
	},

	"factor/totp":                 {"internal/age", "internal/match", "factor", "internal/sendlimit"},
	"factor/passkey":              {"internal/age", "internal/match", "factor", "internal/sendlimit"},
	"factor/passkey/passkeytest":  {},
	"factor/sentcode":             {"internal/age", "internal/match", "factor", "internal/sendlimit"},
	"factor/recovery":             {"internal/age", "internal/match", "factor", "internal/sendlimit"},
	"factor/storetest":            {"internal/age", "internal/match", "factor", "internal/sendlimit"},
	"factor/schema1test":          {},
	"session/storetest":           {"internal/testclock", "internal/age", "custody", "gate", "internal/match", "session"},
	"session/store/file":          {"internal/age", "internal/boltfile", "custody", "gate", "internal/match", "session"},
	"session/store/postgres":      {"internal/age", "custody", "gate", "internal/match", "session"},
	"session/store/redis":         {"internal/age", "custody", "gate", "internal/match", "session"},
	"session/store/observed":      {"internal/age", "custody", "gate", "internal/match", "session"},
	"session/store/seal":          {"internal/age", "custody", "gate", "internal/match", "session"},
	"session/store/seal/sealtest": {"internal/age", "custody", "gate", "internal/match", "session", "session/store/seal"},
}

// below is what a room of the gateway may use that knows the given ones of its kind.
func below(gateways ...string) []string {
	all := []string{
		"internal/age", "internal/match", "custody", "event", "factor", "internal/sendlimit", "gate", "gateway/underway", "locale", "login", "pages",
		"session",
	}
	for _, name := range gateways {
		all = append(all, "gateway/"+name)
	}
	return all
}

// free are the packages that may use any room: Caddy's side, what is kept in Vault, and what only tests use.
var free = []string{"caddymodule", "cmd/sallyport", "login/presets", "pages/samples", "vaultstore", "test"}

// gateways are the rooms that handle requests, and the one that has them handle one to see.
var gateways = []string{
	"explain", "gateway", "gateway/exchange", "gateway/portal", "gateway/relay", "gateway/signin", "gateway/upstream",
}

// foreign are dependencies that have one room each.
var foreign = map[string][]string{
	"github.com/caddyserver/":              {},
	"github.com/hashicorp/vault":           {},
	"go.uber.org/zap":                      {},
	"github.com/prometheus/":               {},
	"github.com/alexedwards/scs":           append([]string{"session", "operator", "desk", "gateway/underway", "session/storetest", "session/store/file", "session/store/observed", "session/store/postgres", "session/store/redis", "session/store/seal", "session/store/seal/sealtest"}, gateways...),
	"github.com/wneessen/go-mail":          {"mail", "notify"},
	"go.etcd.io/bbolt":                     {"internal/boltfile", "factor/filestore", "session/store/file"},
	"github.com/redis/":                    {"session/store/redis"},
	"github.com/jackc/":                    {"session/store/postgres"},
	"github.com/pquerna/otp":               {"factor/totp"},
	"github.com/go-webauthn/":              {"factor/passkey", "factor/passkey/passkeytest"},
	"github.com/skip2/go-qrcode":           append([]string{"pages", "desk"}, gateways...),
	"github.com/klauspost/compress":        append([]string{"login", "learn", "learn/trial", "learn/watch"}, gateways...),
	"github.com/andybalholm/brotli":        append([]string{"login", "learn", "learn/trial", "learn/watch"}, gateways...),
	"golang.org/x/crypto/bcrypt":           {"demo"},
	"golang.org/x/crypto/blowfish":         {"demo"},
	"github.com/coder/websocket":           {"demo"},
	"golang.org/x/crypto/chacha20poly1305": append([]string{"factor/filestore", "session/store/seal", "session/store/seal/sealtest"}, gateways...),
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
			if !slices.Contains(dependencies, module+"/"+room) {
				t.Fatalf("go list says nothing of the room itself: %s", output)
			}
			for _, dependency := range dependencies {
				if other, own := strings.CutPrefix(dependency, module+"/"); own && other != room && !slices.Contains(allowed, other) {
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

// TestEachPackageHasARoom: a new package says what it may use.
func TestEachPackageHasARoom(t *testing.T) {
	output, err := exec.CommandContext(t.Context(), "go", "list", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := strings.Fields(string(output))
	if len(packages) < 30 {
		t.Fatalf("%d packages", len(packages))
	}
	for _, path := range packages {
		room := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
		_, inMap := rooms[room]
		top, _, _ := strings.Cut(room, "/")
		if room != "" && !inMap && !slices.Contains(free, room) && !slices.Contains(free, top) {
			t.Errorf("%s stands neither in rooms nor in free", room)
		}
	}
}

// TestProductNeedsNoBrowser: what only tests need is required by a module of the tests' own.
func TestProductNeedsNoBrowser(t *testing.T) {
	for file, wants := range map[string]bool{"go.mod": false, "test/e2e/go.mod": true} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"github.com/chromedp/chromedp", "github.com/chromedp/cdproto", "github.com/quic-go/quic-go"} {
			direct := false
			for line := range strings.Lines(string(content)) {
				direct = direct || strings.Contains(line, name+" ") && !strings.Contains(line, "// indirect")
			}
			if direct != wants {
				t.Errorf("%s requires %s: %t", file, name, direct)
			}
		}
	}
}

// TestGateIsPure: the decision opens nothing, keeps nothing and asks no clock. Where a decision is about an age, now is
// handed in.
func TestGateIsPure(t *testing.T) {
	for room, forbidden := range map[string][]string{
		"gate":           {"os", "sync", "io", "context", "log/slog"},
		"internal/age":   {"os", "sync", "io", "context", "log/slog"},
		"internal/match": {"os", "sync", "io", "context", "log/slog", "time"},
	} {
		output, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{join .Imports "\n"}}`, "./"+room).Output()
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		for _, used := range strings.Fields(string(output)) {
			if slices.Contains(forbidden, used) {
				t.Errorf("%s imports %s", room, used)
			}
		}
	}
	looked := 0
	for path, file := range sources(t) {
		if folder := filepath.ToSlash(filepath.Dir(path)); folder != "gate" && folder != "internal/age" {
			continue
		}
		looked++
		for _, found := range clocks(file) {
			t.Errorf("%s: %s", path, found)
		}
	}
	if looked < 5 {
		t.Fatalf("looked at %d files", looked)
	}
}

// TestClocksAreSeen: the test above finds what it looks for.
func TestClocksAreSeen(t *testing.T) {
	for source, want := range map[string]int{
		`import "time"; var began = time.Now()`:                                            1,
		`import "time"; func f(at time.Time) time.Duration { return time.Since(at) }`:      1,
		`import "time"; var clock = time.Now`:                                              1,
		`import t "time"; var began = t.Now()`:                                             1,
		`import . "time"; var began = Now()`:                                               1,
		`import "time"; func f() { <-time.After(time.Second); time.NewTimer(1) }`:          2,
		`import "time"; func f(now, at time.Time) bool { return now.After(at) }`:           0,
		`import "time"; func f(now time.Time) time.Time { return now.Add(2*time.Minute) }`: 0,
		`import "time"; var noon = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)`:            0,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if found := clocks(file); len(found) != want {
			t.Errorf("%s: %q, want %d", source, found, want)
		}
	}
}

// clocks are the uses of package time in a file that ask a clock or wait for one.
func clocks(file *ast.File) (found []string) {
	called := ""
	for _, spec := range file.Imports {
		if spec.Path.Value != `"time"` {
			continue
		}
		called = "time"
		if spec.Name != nil {
			called = spec.Name.Name
		}
	}
	if called == "." {
		return []string{"package time under no name"}
	}
	ask := []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}
	ast.Inspect(file, func(node ast.Node) bool {
		if selector, ok := node.(*ast.SelectorExpr); ok && called != "" && name(selector.X) == called && slices.Contains(ask, selector.Sel.Name) {
			found = append(found, name(selector))
		}
		return true
	})
	return found
}
