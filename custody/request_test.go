package custody

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/internal/match"
)

func TestCookieHeaderFromTheJar(t *testing.T) {
	jar := jarOf(t, "root=1", "deep=2; Path=/a/b", "mid=3; Path=/a", "root2=4", "wide=5; Domain=app.example", "short=6; Max-Age=60", "mid=3")
	for _, test := range []struct {
		host, path string
		after      time.Duration
		want       string
	}{
		{"app.example", "/", 0, "root=1; root2=4; wide=5; short=6; mid=3"},
		{"APP.example.:8443", "/", 0, "root=1; root2=4; wide=5; short=6; mid=3"},
		{"app.example", "", 0, "root=1; root2=4; wide=5; short=6; mid=3"},
		{"app.example", "/a", 0, "mid=3; root=1; root2=4; wide=5; short=6; mid=3"},
		{"app.example", "/a/b/c", 0, "deep=2; mid=3; root=1; root2=4; wide=5; short=6; mid=3"},
		{"app.example", "/ab", time.Minute, "root=1; root2=4; wide=5; mid=3"},
		{"www.app.example", "/", 0, "wide=5"},
		{"xapp.example", "/", 0, ""},
		{"example", "/", 0, ""},
	} {
		if got := (&Policy{}).CookieHeader(nil, &jar, nil, test.host, test.path, noon.Add(test.after)); got != test.want {
			t.Errorf("%s%s: got %q, want %q", test.host, test.path, got, test.want)
		}
	}
	if got := (&Policy{}).CookieHeader(nil, nil, nil, "app.example", "/", noon); got != "" {
		t.Errorf("without a jar: %q", got)
	}
}

func TestCookieHeaderKeepsValuesAsTheyWere(t *testing.T) {
	jar := jarOf(t, "a=caf\xe9 \u00fc", `b={"x":"y, z"}`, "S[ID]=%41", "d=")
	want := "a=caf\xe9 \u00fc; S[ID]=%41; d=; csrf=1; b={\"x\":\"y, z\"}"
	if got := (&Policy{}).CookieHeader([]string{"csrf=1"}, &jar, nil, "app.example", "/", noon); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestP3_CookieHeaderFromTheBrowser(t *testing.T) {
	jar := jarOf(t, "PHPSESSID=good", "user_id=1; Path=/elsewhere", "old=1; Max-Age=1")
	granted := []string{"lang", "odd%5Bname%5D", "PHPSESSID", "sallyport", "hold_x", "path", "$x", "a[b]"}
	const good = "PHPSESSID=good"
	for _, test := range []struct{ client, want string }{
		{"lang=de", "lang=de"},
		{" \tlang=de\t ; ", "lang=de"},
		{"lang=", "lang="},
		{"lang=a=b==", "lang=a=b=="},
		{`lang="de"`, `lang="de"`},
		{"theme=dark", "theme=dark"},
		{"csrftoken=1; XSRF-TOKEN=2", "csrftoken=1; XSRF-TOKEN=2"},
		{"odd%5Bname%5D=1", "odd%5Bname%5D=1"},
		{"lang=de; lang=en", "lang=de"},
		{"csrf=1;csrf=2;lang=de", "csrf=1; lang=de"},
		{"lang=a,b", "lang=a,b"},
		// Not allowed.
		{"other=1", ""},
		{"Lang=1", ""},
		{"Theme=1", ""},
		{"lang", ""},
		{"=lang", ""},
		{"; ;;=;", ""},
		{"lang =de", ""},
		{"\u00a0lang=de", ""},
		{"$x=1", ""},
		{"$Version=1; $Path=/; lang=de", "lang=de"},
		{"a[b]=1", ""},
		{"__Host-sallyport=1; sallyport=2; SALLYPORT=3", ""},
		{"sallyport%00csrf=1", ""},
		{"sessionid=1; hold_x=1; hold_csrf=1; HOLD_csrf=2; hold.csrf=3", ""},
		// Held, attached to this request or not.
		{"PHPSESSID=evil", ""},
		{"phpsessid=evil; user_id=2; User.Id=2; old=2", ""},
		// Names that some server reads as PHPSESSID although the rule for csrf allows them.
		{"PHPSESSID%00csrf=evil", ""},
		{"%50HPSESSID%00csrf%=evil", ""},
		{"PHPSESSID[csrf]=evil", ""},
		{"PHPSESSID%5Bcsrf%zz%5D=evil", ""},
		{"PHPSESSID\x00csrf=evil", ""},
		{"other%00csrf=evil", ""},
		// Values in which some server sees another cookie.
		{"csrf=x,PHPSESSID=evil", ""},
		{`csrf="x,PHPSESSID=evil"`, ""},
		{"csrf=x,PHPSESSID", ""},
		{"csrf=x,y,/phpsessid", ""},
		{`csrf="x,PHPSESSID"`, ""},
		{"csrf=x,user[id", ""},
		{"csrf=x,sessionid", ""},
		{"csrf=x,$Version", ""},
		{"csrf=,,,,,,,,,,,,,,,,,,,", ""},
		{"csrf=x PHPSESSID=evil", ""},
		{"csrf=x\tPHPSESSID=evil", ""},
		{"csrf=x\x00;lang=1", "lang=1"},
		{"csrf=x\nPHPSESSID=evil", ""},
		{`csrf="x; PHPSESSID=evil"`, ""},
		{`csrf="x; lang=de`, "lang=de"},
		{`csrf=x"; lang=de`, "lang=de"},
		{`csrf="x\"; lang=de`, "lang=de"},
		{`csrf="`, ""},
		{`csrf=\`, ""},
		{"csrf=caf\u00e9", ""},
		{"csrf=\xff", ""},
	} {
		want := good
		if test.want != "" {
			want += "; " + test.want
		}
		if got := testPolicy().CookieHeader([]string{test.client}, &jar, granted, "app.example", "/", noon.Add(2*time.Second)); got != want {
			t.Errorf("%q: got %q, want %q", test.client, got, want)
		}
	}
}

func TestCookieHeaderReadsAllLines(t *testing.T) {
	got := (&Policy{}).CookieHeader([]string{"a=1; b=2", "", "c=3", "a=4"}, nil, []string{"a", "c"}, "app.example", "/", noon)
	if got != "a=1; c=3" {
		t.Errorf("got %q", got)
	}
}

// TestP3_ThreeThousandJunkCookies: net/http's Cookies gives up on headers with more than 3000 cookies, but an app may
// not.
func TestP3_ThreeThousandJunkCookies(t *testing.T) {
	jar := jarOf(t, "sid=good")
	var client strings.Builder
	for i := range 3500 {
		fmt.Fprintf(&client, "junk%d=x; ", i)
	}
	client.WriteString("sid=evil; csrf=1; SID=evil")
	if got := testPolicy().CookieHeader([]string{client.String()}, &jar, nil, "app.example", "/", noon); got != "sid=good; csrf=1" {
		t.Errorf("got %.100q", got)
	}
}

func TestP3_BrowserPartIsBounded(t *testing.T) {
	jar := jarOf(t, "sid=good")
	var many, long strings.Builder
	for i := range 300 {
		fmt.Fprintf(&many, "csrf%d=x;", i)
		fmt.Fprintf(&long, "csrf%d=%s;", i, strings.Repeat("x", 500))
	}
	got := testPolicy().CookieHeader([]string{many.String()}, &jar, nil, "app.example", "/", noon)
	if count := strings.Count(got, ";"); count != 100 || !strings.HasPrefix(got, "sid=good; csrf0=x; ") {
		t.Errorf("%d cookies: %.100q", count, got)
	}
	got = testPolicy().CookieHeader([]string{long.String()}, &jar, nil, "app.example", "/", noon)
	if len(got) > 8<<10+len("sid=good") || len(got) < 7<<10 || !strings.HasPrefix(got, "sid=good; csrf0=x") {
		t.Errorf("%d bytes: %.100q", len(got), got)
	}
	// The examination of cookies that are refused in the end is bounded too.
	var refused strings.Builder
	for i := range 500 {
		fmt.Fprintf(&refused, "hold_csrf%d=x;", i)
	}
	if got := testPolicy().CookieHeader([]string{refused.String() + "csrf=1"}, &jar, nil, "app.example", "/", noon); got != "sid=good" {
		t.Errorf("got %.100q", got)
	}
	// A cookie that does not fit takes no other cookie's room.
	got = testPolicy().CookieHeader([]string{"csrf=" + strings.Repeat("x", 9000) + "; csrf2=y"}, &jar, nil, "app.example", "/", noon)
	if got != "sid=good; csrf2=y" {
		t.Errorf("got %.100q", got)
	}
}

// TestP3_CookieHeaderTakesLinearTime: a megabyte of cookies that all have to be examined, against a full jar of names
// that are slow to fold.
func TestP3_CookieHeaderTakesLinearTime(t *testing.T) {
	var changes []Change
	for i := range 512 {
		changes = append(changes, Change{name: fmt.Sprintf("odd[%d", i), value: strings.Repeat("v", 10)})
	}
	jar, _, _ := Jar{}.Apply(changes, "app.example", "/", noon)
	client := strings.Repeat("csrf=x\\;", 1<<17) + strings.Repeat("odd_1csrf=x;", 1<<16) + strings.Repeat("odd.csrf[=;", 1<<16)
	start := time.Now()
	testPolicy().CookieHeader([]string{client}, &jar, nil, "app.example", "/", noon)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestP3_StrayQuoteComesLast: servers that honour quotes read everything after an open one as its value. Otherwise a
// cookie of the browser could change what the app sees in its own cookie.
func TestP3_StrayQuoteComesLast(t *testing.T) {
	jar := jarOf(t, `open="x`, "sid=good", `back=y\`)
	got := (&Policy{}).CookieHeader([]string{`csrf="1"`}, &jar, nil, "app.example", "/", noon)
	if want := `sid=good; csrf="1"; open="x; back=y\`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestP3_AttributeNameInFront: Python's SimpleCookie gives up on a header whose first cookie is named like an
// attribute, so a browser could hide the cookies in custody from the app.
func TestP3_AttributeNameInFront(t *testing.T) {
	for quoted, want := range map[string]string{
		`a={"x":1}`: `theme=1; a={"x":1}`,
		"a=x":       "a=x; version=1; theme=1; Path=/",
	} {
		jar := jarOf(t, quoted)
		got := (&Policy{}).CookieHeader([]string{"version=1; theme=1; Path=/"}, &jar, []string{"version", "Path", "theme"}, "app.example", "/", noon)
		if got != want {
			t.Errorf("%s: got %q, want %q", quoted, got, want)
		}
	}
}

// TestP3_NoServerSeesAnotherSession gives hostile headers to models of real servers.
func TestP3_NoServerSeesAnotherSession(t *testing.T) {
	for _, jar := range []Jar{
		jarOf(t, "JSESSIONID=good; HttpOnly"),
		jarOf(t, "JSESSIONID=good; HttpOnly", `prefs={"a":1}`),
		jarOf(t, `prefs="a`, "JSESSIONID=good; HttpOnly"),
		jarOf(t, `JSESSIONID="good"`, "$Version=1"),
		jarOf(t, "JSESSIONID=good; HttpOnly", `b=&\"\"`, `c=x"="`),
	} {
		for _, client := range []string{
			"JSESSIONID=evil", "jsessionid=evil", `$Version="1"; JSESSIONID=evil; $Path=/`, `csrf="a; JSESSIONID=evil; b="`,
			`csrf=a,JSESSIONID=evil`, `csrf="a", JSESSIONID=evil`, `csrf="a,JSESSIONID=evil"`, `csrf=a JSESSIONID=evil`, `csrf="\"; JSESSIONID=evil`,
			"JSESSIONID%00csrf=evil", "csrf=a\tJSESSIONID=evil", "JSESSIONID=evil; csrf=a", "theme=x:JSESSIONID=evil", "theme=(JSESSIONID=evil)",
			"theme=x\\; JSESSIONID=evil", "theme=x\\,JSESSIONID=evil", "theme=\"\",JSESSIONID=evil", "theme=,JSESSIONID=evil", `csrf="x"`,
		} {
			checkCookieHeader(t, testPolicy(), []string{client}, &jar, []string{"theme"}, "/")
		}
	}
}

// checkCookieHeader is the oracle for P3. For each model of a server, it requires two things. The server sees the same
// held cookies with the browser's cookies as without them. What the browser added has names that it may send, none of
// which could be taken for a held one.
func checkCookieHeader(t *testing.T, policy *Policy, client []string, jar *Jar, granted []string, path string) {
	t.Helper()
	alone := policy.CookieHeader(nil, jar, granted, "app.example", path, noon)
	header := policy.CookieHeader(client, jar, granted, "app.example", path, noon)
	if header != "" && strings.ContainsFunc(header, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		t.Fatalf("control characters in %q", header)
	}
	for server, read := range servers {
		added := read(header)
		for _, expected := range read(alone) {
			at := slices.Index(added, expected)
			if at < 0 {
				t.Fatalf("%s sees %q without the browser's cookies and not with them\nalone: %q\nheader: %q", server, expected, alone, header)
			}
			added = slices.Delete(added, at, at+1)
		}
		for _, cookie := range added {
			checkAdded(t, policy, server, header, cookie, jar, granted)
		}
	}
	checkJarCookies(t, header, jar, path)
}

func checkAdded(t *testing.T, policy *Policy, server, header string, cookie seen, jar *Jar, granted []string) {
	t.Helper()
	lower := strings.ToLower(cookie.name)
	// Servers that end a cookie at a comma read a word after a comma in a value as a name, but one without a value.
	bare := cookie.value == "" && slices.ContainsFunc(strings.Split(header, "; "), func(pair string) bool {
		_, value, _ := strings.Cut(pair, "=")
		_, behind, _ := strings.Cut(value, ",")
		return strings.Contains(behind, cookie.name) && !strings.Contains(behind, "=")
	})
	allowed := policy.Pass.Match(cookie.name) || strings.Contains(lower, "csrf") || strings.Contains(lower, "xsrf") ||
		slices.ContainsFunc(granted, func(name string) bool { return name == cookie.name || decoded(name) == cookie.name })
	if !bare && !allowed {
		t.Fatalf("%s sees %q, which the browser may not send: %q", server, cookie, header)
	}
	if len(cookie.name) > 0 && cookie.name[0] == '$' {
		t.Fatalf("%s sees %q: %q", server, cookie, header)
	}
	folded := match.FoldName(cookie.name)
	for _, name := range jar.Names() {
		if folded == match.FoldName(name) || strings.EqualFold(cookie.name, name) {
			t.Fatalf("%s takes the browser's %q for the held %q: %q", server, cookie, name, header)
		}
	}
	for _, name := range policy.Own {
		if folded == match.FoldName(name) {
			t.Fatalf("%s sees the gateway's own %q: %q", server, cookie, header)
		}
	}
	if policy.Hold.Match(cookie.name) || policy.Hold.Match(folded) {
		t.Fatalf("%s sees %q, which is to be held: %q", server, cookie, header)
	}
}

// checkJarCookies: each cookie of the jar that belongs to the request occurs in the header once, byte for byte, and no
// other cookie of the jar does.
func checkJarCookies(t *testing.T, header string, jar *Jar, path string) {
	t.Helper()
	parts := strings.Split(header, "; ")
	for _, c := range jar.cookies {
		belongs := (path == c.Path || strings.HasPrefix(path, strings.TrimSuffix(c.Path, "/")+"/")) && (c.Expires.IsZero() || c.Expires.After(noon)) &&
			(c.Domain == "app.example" || !c.HostOnly && strings.HasSuffix("app.example", "."+c.Domain))
		if at := slices.Index(parts, c.Name+"="+c.Value); at >= 0 && belongs {
			parts = slices.Delete(parts, at, at+1)
		} else if belongs {
			t.Fatalf("%q=%q is not in %q", c.Name, c.Value, header)
		}
	}
	for _, part := range parts {
		name, _, _ := strings.Cut(part, "=")
		if part != "" && jar.Holds(name) {
			t.Fatalf("%q is not the jar's: %q", part, header)
		}
	}
}

// FuzzCookieHeader: whatever an app has set and a client sends, no server sees another cookie instead of a held one
// (P3).
func FuzzCookieHeader(f *testing.F) {
	f.Add("sid=1; HttpOnly", "sid=2; csrf=3; theme=4", "theme", "/")
	f.Add("PHPSESSID=1\na=\"x; Path=/x\nS[ID]=caf\xe9", "PHPSESSI%44%00csrf=2; $Version=1; csrf=\"a,b\"", "lang\nS", "/x/y")
	f.Add("JSESSIONID=a.b\nc={\"x\":1,\"y\":2}", "csrf=a,JSESSIONID=x\nxsrf=\"\\\"; JSESSIONID=evil", "", "/")
	f.Add("$Version=1\npath=/\nb=1;Domain=app.example", "path=x; theme=x:b=2; version=1", "path\nversion", "")
	f.Add("a=\\\nb=\"\\\"\nd=\"e\"f", "csrf=\"x\"; theme=\\\"; e=1", "e", "/a/b/c")
	f.Add("a=1\nb=&\\\"\\\"\nc=x\"=\"", "csrf=\"x\"; e=1", "e", "/")
	f.Add("00=0 000\"", "version=; theme=1", "version", "/")
	f.Add("$0000000=0", "theme=0,,00; path=0", "path", "/")
	f.Add("csrf=1; HttpOnly\nXSRF.x=2; HttpOnly", "csrf=2; xsrf_x=3; XSRF+x=4; csrfx==", "csrf", "/")
	f.Fuzz(func(t *testing.T, setCookies, cookies, grants, path string) {
		policy := testPolicy()
		sorted := policy.Sort(strings.Split(setCookies, "\n"), nil, true)
		jar, _, _ := Jar{}.Apply(sorted.Held, "app.example", "/", noon)
		if path == "" || path[0] != '/' {
			path = "/" + path
		}
		checkCookieHeader(t, policy, strings.Split(cookies, "\n"), &jar, strings.Split(grants, "\n"), path)
	})
}
