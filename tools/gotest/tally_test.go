package main

import (
	"errors"
	"strings"
	"testing"
)

// TestTally reads the output of `go test -json` for each way in which a run can end.
func TestTally(t *testing.T) {
	const passing = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"chatter of TestA\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.01s\n"}
{"Action":"pass","Package":"p"}
`
	tests := []struct {
		name   string
		events string
		good   bool
		shown  []string
		hidden []string
	}{
		{
			"all pass", passing, true,
			[]string{"ok  \tp\t0.01s\n", "\n1 passed, 0 failed, 0 skipped\n"},
			[]string{"chatter", "PASS"},
		},
		{
			"a skipped test fails the run, although its package is ok",
			`{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"output","Package":"p","Test":"TestB","Output":"no browser here\n"}
{"Action":"skip","Package":"p","Test":"TestB"}
` + passing, false,
			[]string{"no browser here", "skipped, which counts as failed:\n    p TestB\n", "1 passed, 0 failed, 1 skipped\n"},
			nil,
		},
		{
			"a skipped subtest fails the run",
			`{"Action":"run","Package":"p","Test":"TestB/sub"}
{"Action":"skip","Package":"p","Test":"TestB/sub"}
` + passing, false,
			[]string{"    p TestB/sub\n"},
			nil,
		},
		{
			"a package without test files is no skipped test",
			`{"Action":"output","Package":"q","Output":"?   \tq\t[no test files]\n"}
{"Action":"skip","Package":"q"}
` + passing, true,
			[]string{"?   \tq\t[no test files]\n", "1 passed, 0 failed, 0 skipped\n"},
			nil,
		},
		{
			"a failed test shows what it said",
			`{"Action":"run","Package":"p","Test":"TestC"}
{"Action":"output","Package":"p","Test":"TestC","Output":"got 1, want 2\n"}
{"Action":"fail","Package":"p","Test":"TestC"}
{"Action":"output","Package":"p","Output":"FAIL\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.01s\n"}
{"Action":"fail","Package":"p"}
`, false,
			[]string{"got 1, want 2\n", "FAIL\tp", "failed:\n    p TestC\n", "0 passed, 1 failed, 0 skipped\n"},
			nil,
		},
		{
			"a test that never ended has failed",
			`{"Action":"run","Package":"p","Test":"TestD"}
{"Action":"output","Package":"p","Test":"TestD","Output":"panic: boom\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.01s\n"}
{"Action":"fail","Package":"p"}
`, false,
			[]string{"panic: boom", "    p TestD\n", "0 passed, 1 failed, 0 skipped\n"},
			nil,
		},
		{
			"a package that does not compile has failed",
			`{"Action":"build-output","ImportPath":"p [p.test]","Output":"./a.go:1: undefined: x\n"}
{"Action":"build-fail","ImportPath":"p [p.test]"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p"}
`, false,
			[]string{"undefined: x", "did not run:\n    p\n", "0 passed, 1 failed, 0 skipped\n"},
			nil,
		},
		{"nothing ran", "", false, []string{"no test ran", "0 passed, 0 failed, 0 skipped\n"}, nil},
		{"a line that is no event is shown", "go: downloading x\n" + passing, true, []string{"go: downloading x\n"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			tally := newTally(&out)
			if err := tally.read(strings.NewReader(test.events)); err != nil {
				t.Fatal(err)
			}
			if good := tally.close(); good != test.good {
				t.Errorf("good = %v, want %v", good, test.good)
			}
			for _, want := range test.shown {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is missing from:\n%s", want, out.String())
				}
			}
			for _, unwanted := range test.hidden {
				if strings.Contains(out.String(), unwanted) {
					t.Errorf("%q has no place in:\n%s", unwanted, out.String())
				}
			}
		})
	}
}

// TestCommandFailed: an exit status without an event that explains it (a package that does not exist) fails the run.
func TestCommandFailed(t *testing.T) {
	var out strings.Builder
	tally := newTally(&out)
	tally.passed = 3
	tally.commandFailed(".", errors.New("exit status 1"))
	if tally.close() {
		t.Error("the run counts as good")
	}
	if !strings.Contains(out.String(), "exit status 1") {
		t.Errorf("the reason is missing from:\n%s", out.String())
	}
}
