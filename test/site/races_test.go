package site

import "testing"

// TestRaces: a report counts if any of its stacks includes this project's code. Reports that do not count hide no
// others.
func TestRaces(t *testing.T) {
	const (
		caddys = "\n==================\nWARNING: DATA RACE\nRead at 0x1 by goroutine 9:\n  github.com/caddyserver/caddy/v2/modules/caddytls.(*TLS).CaddyModule()\n\n" +
			"Previous write at 0x1 by goroutine 6:\n  github.com/caddyserver/caddy/v2.run()\n==================\n"
		ours = "\n==================\nWARNING: DATA RACE\nRead at 0x1 by goroutine 9:\n  net/http.Header.Get()\n  sallyport/gateway.(*exchange).prepare()\n\n" +
			"Previous write at 0x1 by goroutine 6:\n  net/http.Header.Set()\n==================\n"
	)
	for log, want := range map[string]int{
		"":                         0,
		`{"level":"info"}`:         0,
		caddys:                     0,
		ours:                       1,
		caddys + ours:              1,
		ours + caddys + "x" + ours: 2,
		"sallyport.example/sallyport/gateway" + caddys: 0,
	} {
		if got := races(log); len(got) != want {
			t.Errorf("%d races in %s", len(got), log)
		}
	}
}
