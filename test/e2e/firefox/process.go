package firefox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// settings are a profile's settings besides those that Firefox sets by itself when it is driven. The browser makes no
// requests to the internet: all but loopback goes to a proxy that does not exist.
var settings = map[string]any{
	"network.proxy.type": 1, "network.proxy.http": "127.0.0.1", "network.proxy.http_port": 9, "network.proxy.ssl": "127.0.0.1", "network.proxy.ssl_port": 9,
	"network.proxy.no_proxies_on": "localhost, 127.0.0.1, [::1]", "network.proxy.allow_hijacking_localhost": false,
	"network.captive-portal-service.enabled": false, "network.connectivity-service.enabled": false,
	"app.update.enabled": false, "app.normandy.enabled": false, "toolkit.telemetry.enabled": false, "datareporting.policy.dataSubmissionEnabled": false,
	"browser.shell.checkDefaultBrowser": false, "browser.startup.page": 0, "browser.aboutwelcome.enabled": false, "signon.rememberSignons": false,
	// Nor does it request an icon that no page names, which the pages' policy would forbid.
	"browser.chrome.site_icons": false,
	"dom.security.https_first":  false, "dom.security.https_only_mode": false,
	// Without animations, pictures are the same each time.
	"ui.prefersReducedMotion": 1,
}

// profile writes a profile of its own.
func profile(folder string, options Options) error {
	scheme := 1
	if options.Dark {
		scheme = 0
	}
	language := options.Language
	if language == "" {
		language = "en-GB"
	}
	var lines strings.Builder
	add := func(name string, value any) {
		if text, ok := value.(string); ok {
			value = fmt.Sprintf("%q", text)
		}
		fmt.Fprintf(&lines, "user_pref(%q, %v);\n", name, value)
	}
	for name, value := range settings {
		add(name, value)
	}
	add("layout.css.prefers-color-scheme.content-override", scheme)
	add("intl.accept_languages", language)
	return os.WriteFile(filepath.Join(folder, "user.js"), []byte(lines.String()), 0o600)
}

// launch starts a Firefox that listens only on loopback, on a port that it chooses, and returns the address. Firefox
// ends with the test, or with the test's process.
func launch(t testing.TB, options Options) (address string, wait func(time.Duration) bool) {
	t.Helper()
	// Not t.TempDir, which fails the test if a process of the browser still writes to it for a moment.
	folder, err := os.MkdirTemp("", "sallyport-firefox-") //nolint:usetesting // see above.
	if err != nil {
		t.Fatal(err)
	}
	if err := profile(folder, options); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(context.Background(), "firefox-esr", "--headless", "--no-remote", "--profile", folder, "--remote-debugging-port", "0", "about:blank")
	command.Env = append(os.Environ(), "HOME="+folder, "XDG_CACHE_HOME="+folder, "MOZ_CRASHREPORTER_DISABLE=1")
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	said, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("starting firefox-esr: %v (scripts/install-test-packages installs what the tests need)", err)
	}
	found, ended := make(chan string, 1), make(chan struct{})
	go func() {
		found <- listening(said)
		_, _ = io.Copy(io.Discard, said)
		_ = command.Wait()
		close(ended)
	}()
	wait = func(patience time.Duration) bool {
		select {
		case <-ended:
			return true
		case <-time.After(patience):
			return false
		}
	}
	t.Cleanup(func() {
		// Kill all processes of its group, of which it is the leader, and no others.
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		if !wait(stepTimeout) {
			t.Error("firefox-esr does not end")
		}
		_ = os.RemoveAll(folder)
	})
	select {
	case address = <-found:
	case <-time.After(2 * stepTimeout):
		err = errors.New("it did not print where it listens")
	}
	if address == "" {
		t.Fatalf("starting firefox-esr: %v", err)
	}
	return address, wait
}

// listening reads Firefox' output up to the address that it listens at; empty if there is none.
func listening(said io.Reader) string {
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "WebDriver BiDi listening on "); ok {
			return strings.TrimSpace(address)
		}
	}
	return ""
}
