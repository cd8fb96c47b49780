package match

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func parse(t testing.TB, target string) Path {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		t.Fatalf("%q: %v", target, err)
	}
	return ParsePath(u)
}

func TestParsePathCanonical(t *testing.T) {
	for _, target := range []string{
		"/", "/login", "/login/", "/a/b.css", "/a/.well", "/wiki/Main_Page", "/wiki/%C3%A9t%C3%A9", "/a%20b", "/a(b)", "/u/@me",
		"/admin/auth/user/1/change/", "/user:1", "/a+b", "/a%2Bb",
	} {
		if !parse(t, target).Canonical {
			t.Errorf("%q should be canonical", target)
		}
	}
}

// TestP1_SpellingsAreNotCanonical: each of these is `/login` to some server, and must not pass for a path that an
// operator opened, nor slip past one that an operator named.
func TestP1_SpellingsAreNotCanonical(t *testing.T) {
	for _, target := range []string{
		"//login", "/./login", "/x/../login", "/login;x", "/login;x=y", "/%6cogin", "/login%00", "/login%20", "/login.", "/login%2e",
		"/login%2f", "/%2flogin", "/login%5c", "/login%09", "/login%0a", "/login%2525", "/%256cogin", "/login/.", "/login/..;/login",
		"/login%c2%a0", "/login%ff",
	} {
		path := parse(t, target)
		if path.Canonical {
			t.Errorf("%q should not be canonical (%q)", target, path.Text)
		}
	}
}

func TestP1_SpellingsHaveOneLooseForm(t *testing.T) {
	for _, target := range []string{
		"/login", "/login/", "//login", "/./login", "/x/../login", "/login;x", "/LOGIN", "/%6cogin", "/login%00", "/login%20", "/login.",
		"/login%2e", "/login%2f", "/%2flogin", "/login%5c", "/login%09", "/%256cogin", "/login/.", "/login;a/..;/login", "/l%6Fgin/;x",
		"/login::$DATA", "/login::$Index_Allocation", "/login%c2%a0", "/%a0login", "/login%ff", "/login%3fx", "/login%23x", "/login%253f/x",
	} {
		if got := parse(t, target).Loose(); got != "/login" {
			t.Errorf("Loose(%q) = %q", target, got)
		}
	}
}

// TestP1_LikeASCII: servers that fit a path to a code page, or to the names of files, take other characters for those
// of ASCII.
func TestP1_LikeASCII(t *testing.T) {
	shut := slices.Concat(LooseGlob("/kiosk.php"), LooseGlob("/desk/*"))
	for _, text := range []string{"/kio\u017fk.php", "/K\u0131OSK.php", "/kios\u212a.php", "/\uff4biosk\uff0ephp", "/de\u017fk/x", "/desk\uff0fx"} {
		u := &url.URL{Path: text}
		if path := ParsePath(u); !path.Fits(shut) {
			t.Errorf("%s passes", text)
		}
	}
	for _, text := range []string{"/a/..\uff0fb", "/a/\uff0e\uff0e/b", "/a/\uff0e./b"} {
		u := &url.URL{Path: text}
		if path := ParsePath(u); path.Canonical || !path.Climbs() {
			t.Errorf("%s: canonical %t, climbs %t", text, path.Canonical, path.Climbs())
		}
	}
	for _, text := range []string{"/caf\u00e9", "/stra\u00dfe", "/\u65e5\u672c", "/\ufb01le"} {
		if path := ParsePath(&url.URL{Path: text}); !path.Canonical || path.Climbs() || path.Fits(shut) {
			t.Errorf("%s: canonical %t, climbs %t", text, path.Canonical, path.Climbs())
		}
	}
}

// TestP4_PathsThatEndEarly: `/login%00.css` is the login page to a server that takes a zero byte for the end, and
// `/log%00in` to one that leaves it out. No one reading covers both.
func TestP4_PathsThatEndEarly(t *testing.T) {
	for target, want := range map[string]bool{
		"/login%00": true, "/login%00.css": true, "/log%00in": true, "/login%2500.css": true, "/login%252500": true,
		"/login": false, "/login%0a": false, "/": false, "/%C3%A9": false, "/100%25": false,
	} {
		u, err := url.ParseRequestURI(target)
		if err != nil {
			t.Fatal(err)
		}
		if got := ParsePath(u).EndsEarly(); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
}

func TestLooseGlob(t *testing.T) {
	for _, test := range []struct {
		pattern, target string
		want            bool
	}{
		{"/static/private/*", "/static/Private/x", true},
		{"/static/private/*", "/static//private/x", true},
		{"/static/private/*", "/static/private", true},
		{"/static/private/*", "/static/privateer", false},
		{"/admin/login/", "/admin/login", true},
		{"/my files/*", "/my%20files/x", true},
		{"/my files/*", "/MY%20Files%2fx", true},
		{"/*", "/", true},
		{"/", "//", true},
		{"*", "/a", true},
		{"/", "/a", false},
	} {
		if got := LooseGlob(Glob(test.pattern)).Match(parse(t, test.target).Loose()); got != test.want {
			t.Errorf("LooseGlob(%q) on %q = %v, want %v", test.pattern, test.target, got, test.want)
		}
	}
}

func TestAuthorityFormIsNotCanonical(t *testing.T) {
	for _, u := range []*url.URL{{Host: "a:1"}, {Path: "*"}, {Opaque: "x"}} {
		if ParsePath(u).Canonical {
			t.Errorf("%v should not be canonical", u)
		}
	}
}

func TestFoldName(t *testing.T) {
	for _, name := range []string{
		"session_id", "SESSION_ID", "session.id", "session id", "session[id", " session_id", "session%5fid", "session%2eid", "session_id[]",
		"\u00a0session_id", "\"session_id\"", "session+id",
	} {
		if got := FoldName(name); got != "session_id" {
			t.Errorf("FoldName(%q) = %q", name, got)
		}
	}
	if FoldName("session.id") != "session_id" || FoldName("a") == FoldName("b") {
		t.Error("folds differ where names differ")
	}
}

func TestFoldHeader(t *testing.T) {
	if got := FoldHeader("X_Second.Factor-User"); got != "x-second-factor-user" {
		t.Errorf("got %q", got)
	}
}

// FuzzParsePath: a path that counts as canonical keeps its meaning under every reading that we know of.
func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"/login", "//login", "/a%2fb", "/%6cogin", "/a;b", "/..", "/a/../b", "/%C3%A9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || u.Path == "" {
			return
		}
		path := ParsePath(u)
		if !path.Canonical {
			return
		}
		if again, err := url.PathUnescape(path.Text); err != nil || again != path.Text {
			t.Fatalf("%q decodes further: %q", path.Text, again)
		}
		cleaned, err := url.JoinPath(path.Text)
		if err != nil || strings.Contains(path.Text, "//") {
			t.Fatalf("%q: %v", path.Text, err)
		}
		_ = cleaned
		if loose := path.Loose(); loose != LoosePath(loose) {
			t.Fatalf("loose form of %q is not settled: %q", path.Text, loose)
		}
		if plain(path.Text) && !canonical(path.Text, (&url.URL{Path: path.Text}).EscapedPath()) {
			t.Fatalf("the fast way says yes to %q, the slow one no", path.Text)
		}
	})
}
