package main

import (
	"slices"
	"testing"
)

func TestArgumentsFor(t *testing.T) {
	given := []string{"-race", "./..."}
	for folder, want := range map[string][]string{
		".":        {"-race", "./..."},
		"test/e2e": {"-count=1", "-race", "./..."},
		"test":     {"-race", "./..."},
	} {
		if got := argumentsFor(folder, []string{"test/e2e", "x"}, given); !slices.Equal(got, want) {
			t.Errorf("%s: %q", folder, got)
		}
	}
	if !slices.Equal(given, []string{"-race", "./..."}) {
		t.Errorf("changed: %q", given)
	}
}
