package browser

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// axe returns the source of axe-core, which scripts/axe-core has put into the user's cache.
var axe = sync.OnceValues(func() (string, error) {
	_, here, _, _ := runtime.Caller(0)
	output, err := exec.CommandContext(context.Background(), filepath.Join(filepath.Dir(here), "..", "..", "..", "scripts", "axe-core")).Output()
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(strings.TrimSpace(string(output)))
	return string(source), err
})

// Violation is something that axe-core finds wrong with a page.
type Violation struct {
	// Rule and Help name the broken rule; Impact is how severe the violation is.
	Rule, Help, Impact string
	// Nodes are the elements that break the rule, in HTML, each with what is wrong.
	Nodes []string
}

// Violations runs axe-core on the page in a tab of chromedp, with all its rules for WCAG 2.2 A and AA and its best
// practices. The page's scripts must be on.
func Violations(ctx context.Context, t testing.TB) []Violation {
	t.Helper()
	source, err := axe()
	if err != nil {
		t.Fatalf("scripts/axe-core: %v", err)
	}
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	// The debugger evaluates the source; the page's security policy does not affect that.
	found, err := chromedp.Run(ctx, chromedp.Evaluate[string](source+`;
		axe.run(document, {resultTypes: ["violations"], reporter: "v2"}).then(result => JSON.stringify(result.violations.map(v => ({
			rule: v.id, help: v.help, impact: v.impact,
			nodes: v.nodes.map(n => n.html + " " + n.failureSummary),
		}))))`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("axe-core: %v", err)
	}
	var violations []Violation
	if err := json.Unmarshal([]byte(found), &violations); err != nil {
		t.Fatalf("axe-core: %v", err)
	}
	return violations
}

// Accessible fails the test if axe-core finds anything wrong with the page.
func (b *Browser) Accessible(name string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	for _, v := range Violations(ctx, b.t) {
		b.t.Errorf("%s: %s (%s): %s\n%s", name, v.Rule, v.Impact, v.Help, strings.Join(v.Nodes, "\n"))
	}
}
