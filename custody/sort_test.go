package custody

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/internal/match"
)

func testPolicy() *Policy {
	return &Policy{
		Hold: match.NewGlobs("sessionid", "hold_*"),
		Pass: match.NewGlobs("theme", "pass_*"),
		Own:  []string{"__Host-sallyport", "sallyport"},
		Now:  func() time.Time { return noon },
	}
}

func TestSort(t *testing.T) {
	const gone = "; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
	held := func(name string) bool { return sameFold(name, "kept") }
	for _, test := range []struct {
		line  string
		login bool
		want  verdict
	}{
		{"a=1", false, toBrowser},
		{"a=1", true, toCustody},
		{"a=1; HttpOnly", false, toCustody},
		{"a=1; Path=/;\thTTPoNLY ", false, toCustody},
		{"sessionid=1", false, toCustody},
		{"SessionID=1", false, toCustody},
		{"hold_csrf=1", false, toCustody}, // Hold wins over csrf
		{"hold.csrf=1", false, toCustody},
		{"theme=1; HttpOnly", false, toBrowser}, // Pass wins over HttpOnly
		{"theme=1; HttpOnly", true, toBrowser},
		{"Theme=1; HttpOnly", false, toCustody}, // Pass is exact
		{"pass_x=caf\u00e9", false, toBrowser},
		{"csrftoken=1", false, toBrowser},
		{"csrftoken=1", true, toBrowser},
		{"XSRF-TOKEN=1", true, toBrowser},
		{"csrftoken=1; HttpOnly", false, toCustody}, // no script can want it
		{"kept=1", false, toCustody},
		{"KEPT=1", false, toCustody},
		{"kept=" + gone, false, toCustody},
		{"S[ID]=1", false, toCustody},
		{"user:id=1", false, toCustody},
		{"pass_[x]=1", false, toCustody},
		{"$Version=1", false, toCustody},
		{"a=caf\u00e9", false, toCustody},
		{"a=b c", false, toCustody},
		{`a={"x":1}`, false, toCustody},
		{`a="x"`, false, toBrowser},
		{"a=x,b=2", false, toCustody},
		{"csrf=b c", false, toCustody},
		{"__Host-x=1", false, toBrowser},
		{"__Secure-x=1; HttpOnly", false, toCustody},
		{"a=" + gone, false, toBrowser},
		{"a=" + gone, true, toBrowser},
		{"a=deleted" + gone, true, toBrowser},
		{"a=; Max-Age=0", true, toBrowser},
		{"a=secret" + gone, true, toCustody}, // a browser would delete it, but its extensions could read it
		{"a=; HttpOnly" + gone, true, toCustody},
		{"__Host-sallyport=1", false, toNobody},
		{"__host-sallyport=1; HttpOnly", false, toNobody},
		{"sallyport%00x=1", false, toNobody},
		{"sallyport=" + gone, false, toNobody},
		{"=1", false, toNobody},
		{"nameless", false, toNobody},
		{"", false, toNobody},
		{"a=1\nb=2", false, toNobody},
		{"a=1\x00; HttpOnly", false, toNobody},
	} {
		sorted := testPolicy().Sort([]string{test.line}, held, test.login)
		got := toNobody
		switch {
		case len(sorted.Held) == 1 && sorted.Browser == nil && sorted.Dropped == 0:
			got = toCustody
		case len(sorted.Browser) == 1 && sorted.Browser[0] == test.line && sorted.Held == nil && sorted.Dropped == 0:
			got = toBrowser
		case sorted.Dropped != 1:
			t.Fatalf("%q: %v", test.line, sorted)
		}
		if got != test.want {
			t.Errorf("%q (login %v): got %d, want %d", test.line, test.login, got, test.want)
		}
	}
}

// TestP2_OneNameOnePlace: apps set a cookie twice in one answer, with and without HttpOnly, or delete it in clear and
// set it again. A browser that got one of the lines would have, or lose, the cookie that is in custody.
func TestP2_OneNameOnePlace(t *testing.T) {
	for _, lines := range [][]string{
		{"sid=1", "sid=2; HttpOnly"},
		{"sid=1; HttpOnly", "sid=2"},
		{"sid=; Max-Age=0", "SID=2; HttpOnly"},
		{"my.sid=1", "my_sid=2; HttpOnly"},
	} {
		sorted := (&Policy{}).Sort(lines, nil, false)
		if len(sorted.Browser) != 0 || len(sorted.Granted) != 0 || len(sorted.Held) != 2 {
			t.Errorf("%q: %+v", lines, sorted)
		}
	}
}

func TestSortKeepsOrder(t *testing.T) {
	sorted := testPolicy().Sort([]string{"b=1", "x=1; HttpOnly", "", "a=1", "sid=; Max-Age=0; HttpOnly", "b=2; Path=/x", "x=2"}, nil, false)
	if !slices.Equal(sorted.Browser, []string{"b=1", "a=1", "b=2; Path=/x"}) || !slices.Equal(sorted.Granted, []string{"b", "a"}) ||
		sorted.Dropped != 1 {
		t.Errorf("got %+v", sorted)
	}
	var names []string
	for _, change := range sorted.Held {
		names = append(names, change.Name())
	}
	if !slices.Equal(names, []string{"x", "sid", "x"}) {
		t.Errorf("held %q", names)
	}
}

// TestP3_DeletionGrantsNothing: many apps answer a wrong password by deleting their session cookie, without HttpOnly.
// If the browser could then send a cookie of that name, an attacker could bring a session that she prepared elsewhere.
func TestP3_DeletionGrantsNothing(t *testing.T) {
	for _, line := range []string{
		"sid=; Max-Age=0", "sid=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT; Max-Age=0", "sid=x; Expires=Mon, 23 Nov 2026 00:00:00 GMT",
	} {
		sorted := testPolicy().Sort([]string{line}, nil, false)
		if len(sorted.Browser) != 1 || sorted.Granted != nil {
			t.Errorf("%q: %+v", line, sorted)
		}
	}
}

func TestSortUsesTheClock(t *testing.T) {
	line := "a=1; Expires=" + time.Now().Add(time.Hour).UTC().Format(time.RFC1123)
	if sorted := (&Policy{}).Sort([]string{line}, nil, false); len(sorted.Granted) != 1 {
		t.Errorf("got %+v", sorted)
	}
}

// FuzzSortSetCookie: no cookie reaches the browser that is HttpOnly to a browser, is in custody, or comes from a login
// (P2). No line is lost or changed.
func FuzzSortSetCookie(f *testing.F) {
	f.Add("sid=1; HttpOnly\nSID=2", "kept", false)
	f.Add("csrftoken=a; Path=/\nsessionid=b; httponly; SameSite=Lax\ntheme=c; HttpOnly", "", true)
	f.Add("a=; Max-Age=0\na=1\nkept=2\nK.ept=3", "k_ept", true)
	f.Add("S[ID]=1; HttpOnly\ns=2\n=x\ny", "S", false)
	f.Add("a=1;Path=/,HttpOnly\nsallyport%=1", "", false)
	f.Fuzz(func(t *testing.T, text, heldName string, login bool) {
		policy := testPolicy()
		lines := strings.Split(text, "\n")
		held := func(name string) bool { return heldName != "" && sameFold(name, heldName) }
		sorted := policy.Sort(lines, held, login)
		if len(sorted.Held)+len(sorted.Browser)+sorted.Dropped != len(lines) {
			t.Fatalf("%d lines became %+v", len(lines), sorted)
		}
		at := 0
		for _, line := range sorted.Browser {
			for at < len(lines) && lines[at] != line {
				at++
			}
			if at == len(lines) {
				t.Fatalf("%q is not in the answer, or not in this order", line)
			}
			at++
			checkBrowserLine(t, policy, line, held, login)
			name, _, _ := browserReads(line)
			for _, change := range sorted.Held {
				if match.FoldName(change.Name()) == match.FoldName(name) {
					t.Fatalf("%q goes to the browser, %v into custody", line, change)
				}
			}
		}
		for _, name := range sorted.Granted {
			if !slices.ContainsFunc(sorted.Browser, func(line string) bool { got, _, _ := browserReads(line); return got == name }) {
				t.Fatalf("%q is granted and not sent", name)
			}
		}
	})
}

// browserReads reads a Set-Cookie line as a browser does.
func browserReads(line string) (name, value string, httpOnly bool) {
	parts := strings.Split(line, ";")
	name, value, _ = strings.Cut(parts[0], "=")
	for _, part := range parts[1:] {
		key, _, _ := strings.Cut(part, "=")
		httpOnly = httpOnly || strings.EqualFold(strings.Trim(key, " \t"), "HttpOnly")
	}
	return strings.Trim(name, " \t"), strings.Trim(value, " \t"), httpOnly
}

func checkBrowserLine(t *testing.T, policy *Policy, line string, held func(string) bool, login bool) {
	t.Helper()
	name, value, httpOnly := browserReads(line)
	passed := policy.Pass.Match(name)
	lower := strings.ToLower(name)
	switch {
	case name == "" || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		t.Fatalf("%q should be dropped", line)
	case httpOnly && !passed:
		t.Fatalf("%q is HttpOnly", line)
	case held(name) || policy.Hold.Match(name) || policy.Hold.Match(match.FoldName(name)):
		t.Fatalf("%q is held", line)
	case slices.Contains([]string{"sallyport", "__host-sallyport"}, match.FoldName(name)):
		t.Fatalf("%q is the gateway's own", line)
	case login && !passed && !strings.Contains(lower, "csrf") && !strings.Contains(lower, "xsrf") &&
		value != "" && value != `""` && value != "deleted":
		t.Fatalf("%q comes from a login", line)
	}
}
