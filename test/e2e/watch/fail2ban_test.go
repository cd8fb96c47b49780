package watch

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/demo"
	"sallyport.example/sallyport/test/site"
)

// The addresses of the attacker and of the honest user.
const (
	attacker = "127.0.0.66"
	honest   = "127.0.0.7"
)

// TestFail2ban: Debian's fail2ban with the filter of packaging/fail2ban finds in a real audit log each attempt of an
// attacker who guesses passwords and codes, by the attacker's address. It finds nothing in the lines of honest use,
// which is everything that users do without a mistake. Both of Caddy's time formats are tested.
func TestFail2ban(t *testing.T) {
	t.Parallel()
	for _, times := range []string{"time_format rfc3339", "# seconds"} {
		t.Run(times, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "audit.log")
			g := start(t, "", site.Options{Global: strings.Replace(auditTo(t, path), "time_format rfc3339", times, 1)})
			c, phone, codes := g.member(t, honest)
			useHonestly(t, c, phone, codes)
			if found := banned(t, path); len(found) != 0 {
				t.Errorf("fail2ban finds %q in honest use:\n%s", found, read(path))
			}
			before := len(lines(t, read(path)))
			want := attack(t, g)
			found := banned(t, path)
			if len(found) != want || slices.ContainsFunc(found, func(address string) bool { return address != attacker }) {
				t.Errorf("fail2ban finds %q, want %d times %s:\n%s", found, want, attacker, strings.Join(strings.SplitAfter(read(path), "\n")[before:], ""))
			}
		})
	}
}

// useHonestly does what users do, without a mistake.
func useHonestly(t *testing.T, c *site.Client, phone *site.Authenticator, codes []string) {
	t.Helper()
	c.SignOut()
	signIn(t, c, "alice", demo.AlicePassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	c.Pass(phone).Wants(t, http.StatusSeeOther, "")
	c.SignOut()
	signIn(t, c, "alice", demo.AlicePassword)
	c.Own("/recovery", "/recovery", url.Values{"code": {codes[0]}})
	c.Own("/recovery-codes", "/recovery-codes", url.Values{"code": {phone.Code(t)}})
	c.Own("/reset", "/reset", url.Values{"code": {phone.Code(t)}})
	c.Own("/disable", "/disable", url.Values{"code": {phone.Code(t)}})
	c.Own("/", "/sessions", nil)
	c.SignOut()
}

// attack guesses passwords and codes, and returns how many attempts it made.
func attack(t *testing.T, g *gateway) (times int) {
	t.Helper()
	const bob = "bob"
	victim := g.ClientFrom(t, honest)
	signIn(t, victim, bob, demo.BobPassword).Wants(t, http.StatusSeeOther, "/")
	victim.Enrol(skew)

	c := g.ClientFrom(t, attacker)
	for _, password := range []string{"123456", "password", `","client":"` + honest + `"`} {
		signIn(t, c, bob, password)
		times++
	}
	// These names try to fake a line with another address.
	for _, name := range []string{`x","client":"` + honest + `","x":"`, "x\n" + `{"event":"login_failed","client":"` + honest + `"}`} {
		signIn(t, c, name, "x")
		times++
	}
	c.Post("/login", url.Values{"username": {bob, "alice"}, "password": {"x"}}).Wants(t, http.StatusBadRequest, "")
	times++
	signIn(t, c, bob, demo.BobPassword).Wants(t, http.StatusSeeOther, "/second-factor/challenge")
	for range 7 { // five are judged
		guess(t, c)
		times++
	}
	return times
}

var matched = regexp.MustCompile(`(?m)^\|\s+(\d+\.\d+\.\d+\.\d+)\s`)

// banned returns the addresses that fail2ban finds in a log, one for each match.
func banned(t *testing.T, log string) (addresses []string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "fail2ban-regex", "--print-all-matched", "--verbose", log, inCheckout(t, "packaging/fail2ban/filter.d/sallyport.conf"))
	output, err := command.CombinedOutput()
	if err != nil && len(output) == 0 { // its exit status only says whether there are matches
		t.Fatalf("fail2ban-regex, of Debian's package fail2ban: %v", err)
	}
	if strings.Contains(string(output), "ERROR") || !strings.Contains(string(output), "Failregex:") {
		t.Fatalf("fail2ban-regex: %s", output)
	}
	for _, found := range matched.FindAllStringSubmatch(string(output), -1) {
		addresses = append(addresses, found[1])
	}
	return addresses
}

// TestFail2banJail: fail2ban accepts the jail, and the jail's log file is the one in docs/audit.md.
func TestFail2banJail(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if output, err := exec.CommandContext(t.Context(), "cp", "-r", "/etc/fail2ban/.", folder).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	for _, name := range []string{"filter.d/sallyport.conf", "jail.d/sallyport.conf"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(read(inCheckout(t, "packaging/fail2ban/"+name))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Debian's own jail watches a log that may not exist here.
	if err := os.RemoveAll(filepath.Join(folder, "jail.d/defaults-debian.conf")); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(folder, "audit.log")
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	jail := filepath.Join(folder, "jail.d/sallyport.conf")
	text := read(jail)
	if !strings.Contains(text, "/var/log/sallyport/audit.log") || !strings.Contains(read(inCheckout(t, "docs/audit.md")), "/var/log/sallyport/audit.log") {
		t.Error("the jail and docs/audit.md name different files")
	}
	if err := os.WriteFile(jail, []byte(strings.ReplaceAll(text, "/var/log/sallyport/audit.log", log)), 0o600); err != nil {
		t.Fatal(err)
	}
	output, err := exec.CommandContext(t.Context(), "fail2ban-client", "-c", folder, "-d").CombinedOutput()
	if err != nil || !strings.Contains(string(output), "'sallyport', 'addfailregex'") && !strings.Contains(string(output), "'multi-set', 'sallyport'") && !strings.Contains(string(output), "['set', 'sallyport', 'addfailregex'") {
		t.Errorf("fail2ban-client: %v\n%s", err, output)
	}
	if !strings.Contains(string(output), "['set', 'sallyport', 'maxretry', 10]") {
		t.Errorf("the jail's settings are missing:\n%s", output)
	}
}
