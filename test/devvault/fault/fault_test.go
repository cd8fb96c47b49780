package fault

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		fault Fault
		valid bool
	}{
		"nothing":               {Fault{}, false},
		"only skips":            {Fault{Skip: 1, Times: 2}, false},
		"delay":                 {Fault{Delay: 1}, true},
		"late":                  {Fault{Delay: 1, Late: true}, true},
		"late without delay":    {Fault{Status: 503, Late: true}, false},
		"delay and status":      {Fault{Delay: 1, Status: 503}, true},
		"status":                {Fault{Status: 503}, true},
		"informational status":  {Fault{Status: 103}, false},
		"status of four digits": {Fault{Status: 1503}, false},
		"body":                  {Fault{Status: 200, Body: "{}"}, true},
		"body without status":   {Fault{Cut: Before, Body: "{}"}, false},
		"cut before":            {Fault{Cut: Before}, true},
		"cut after":             {Fault{Cut: After, DelayAnswer: 1}, true},
		"cut somewhere":         {Fault{Cut: "somewhere"}, false},
		"cut and status":        {Fault{Cut: Before, Status: 503}, false},
		"half":                  {Fault{Half: true}, true},
		"half and cut":          {Fault{Half: true, Cut: After}, false},
		"delayed no answer":     {Fault{Cut: Before, DelayAnswer: 1}, false},
		"delayed own answer":    {Fault{Status: 503, DelayAnswer: 1}, false},
		"negative delay":        {Fault{Delay: -1}, false},
		"negative times":        {Fault{Status: 503, Times: -1}, false},
		"path without slash":    {Fault{Status: 503, Path: "v1/secret"}, false},
		"path of a star":        {Fault{Status: 503, Path: "*/data/*"}, true},
	} {
		if err := test.fault.Validate(); (err == nil) != test.valid || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDuration(t *testing.T) {
	var fault Fault
	if err := json.Unmarshal([]byte(`{"delay":"1.5s","delay_answer":"2m"}`), &fault); err != nil {
		t.Fatal(err)
	}
	if time.Duration(fault.Delay) != 1500*time.Millisecond || time.Duration(fault.DelayAnswer) != 2*time.Minute {
		t.Errorf("%+v", fault)
	}
	written, err := json.Marshal(fault)
	if err != nil || string(written) != `{"delay":"1.5s","delay_answer":"2m0s"}` {
		t.Errorf("%s, %v", written, err)
	}
	for _, text := range []string{`{"delay":5}`, `{"delay":"5"}`, `{"delay":"soon"}`} {
		if err := json.Unmarshal([]byte(text), &fault); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		matches       bool
	}{
		{"/v1/a", "/v1/a", true},
		{"/v1/a", "/v1/ab", false},
		{"*", "", true},
		{"/v1/*", "/v1/secret/data/x", true},
		{"/v1/*/data/*", "/v1/secret/data/x", true},
		{"/v1/*/data/*", "/v1/secret/metadata", false},
		{"/v1/*data", "/v1/metadata", true},
		{"ab*ba", "aba", false}, // the ends do not share a letter
		{"a*b*b", "ab", false},
		{"a**b", "ab", true},
	} {
		if glob(test.pattern, test.text) != test.matches {
			t.Errorf("%q, %q: %t", test.pattern, test.text, !test.matches)
		}
	}
}

// FuzzGlob compares with a regular expression.
func FuzzGlob(f *testing.F) {
	f.Add("/v1/*/data/*", "/v1/secret/data/a")
	f.Add("ab*ba", "aba")
	f.Add("a*b*c*", "aabbcc")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		parts := strings.Split(pattern, "*")
		for i, part := range parts {
			parts[i] = regexp.QuoteMeta(part)
		}
		expression, err := regexp.Compile(`(?s)\A` + strings.Join(parts, ".*") + `\z`)
		if err != nil || !regexp.MustCompile(`\A[\x00-\x7f]*\z`).MatchString(pattern+text) {
			return // the regexp package sees bytes that are no UTF-8 as one letter
		}
		if want := expression.MatchString(text); glob(pattern, text) != want {
			t.Errorf("%q, %q: want %t", pattern, text, want)
		}
	})
}
