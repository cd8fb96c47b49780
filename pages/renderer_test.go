package pages

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"sallyport.example/sallyport/locale"
)

// TestWeight: a page is one answer of at most 30 KB, in whatever language.
func TestWeight(t *testing.T) {
	for _, language := range Languages() {
		for _, s := range samplesIn(New(Options{}), language) {
			if size := answer(t, s).Body.Len(); size > 30<<10 {
				t.Errorf("%s weighs %d bytes in %s", s.name, size, language)
			}
		}
	}
}

// TestEveryLanguageRenders: each page has a heading, a direction and its own language, and nothing that was not put in.
func TestEveryLanguageRenders(t *testing.T) {
	for _, e := range open().editions {
		for _, s := range samplesIn(New(Options{}), e.Language) {
			body := answer(t, s).Body.String()
			root := one(t, parse(t, body), "html", "", "")
			if attr(root, "lang") != e.Language || attr(root, "dir") != e.Direction {
				t.Errorf("%s in %s is <html lang=%s dir=%s>", s.name, e.Language, attr(root, "lang"), attr(root, "dir"))
			}
			if found := regexp.MustCompile(`\{[^{}]*\}`).FindString(words(one(t, root, "main", "", ""))); found != "" && !strings.Contains(s.name, "hostile") {
				t.Errorf("%s in %s shows %s", s.name, e.Language, found)
			}
		}
	}
}

// TestMarkup: one heading, a language, no identifier twice, nothing left of a template.
func TestMarkup(t *testing.T) {
	for _, s := range samples(New(Options{})) {
		body := answer(t, s).Body.String()
		root := parse(t, body)
		if attr(one(t, root, "html", "", ""), "lang") != "en" {
			t.Errorf("%s has no language", s.name)
		}
		if !strings.HasPrefix(body, "<!DOCTYPE html>") || strings.Contains(body, "ZgotmplZ") || strings.Contains(body, "<no value>") {
			t.Errorf("%s is broken", s.name)
		}
		one(t, root, "main", "", "")
		seen := make(map[string]bool)
		for _, element := range all(root, "", "", "") {
			if id := attr(element, "id"); id != "" {
				if seen[id] {
					t.Errorf("%s: id %q twice", s.name, id)
				}
				seen[id] = true
			}
		}
		for _, element := range all(root, "", "", "") {
			for _, name := range []string{"aria-labelledby", "aria-describedby", "aria-controls", "for", "data-copy"} {
				for id := range strings.FieldsSeq(attr(element, name)) {
					if !seen[id] {
						t.Errorf("%s: %s names %q, which is not there", s.name, name, id)
					}
				}
			}
		}
		// A dialog has its own heading, and the settings page that it brings along has one, too.
		for _, behind := range all(root, "template", "", "") {
			one(t, behind, "h1", "", "")
			behind.Parent.RemoveChild(behind)
		}
		one(t, root, "h1", "", "")
	}
}

// shape is a page without its texts: what a hostile name must not change.
func shape(root *html.Node) string {
	var b strings.Builder
	for node := range root.Descendants() {
		if node.Type == html.ElementNode {
			b.WriteString(node.Data)
			for _, a := range node.Attr {
				b.WriteString(" " + a.Key)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// FuzzNames renders pages with any names and messages: the markup stays what it is with plain ones, and no mark that
// turns the writing direction gets through.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{
		"ada", `<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onfocus='alert(1)`, "{{.Form}}", "{0}{1}", "</title><script>",
		"\u202egnp.exe", "\u2066\u202e", "a\x00b", "\xff\xfe", strings.Repeat("ж", 300), "javascript:alert(1)", "&lt;b&gt;", "alert.wrong-code",
	} {
		f.Add(seed)
	}
	r := New(Options{})
	render := func(t *testing.T, name string) []*html.Node {
		t.Helper()
		common := Common{App: name, Base: "/second-factor", User: name, Form: name, Status: name, Alert: name}
		var roots []*html.Node
		for _, show := range []func(w http.ResponseWriter) error{
			func(w http.ResponseWriter) error { return r.Challenge(w, 200, ChallengeView{Common: common}) },
			func(w http.ResponseWriter) error {
				return r.SetUp(w, 200, SetUpView{Common: common, URI: sampleURI, Key: sampleKey, Algorithm: name, Enrolling: true})
			},
			func(w http.ResponseWriter) error { return r.Settings(w, 200, SettingsView{Common: common}) },
			func(w http.ResponseWriter) error {
				return r.Error(w, 400, ErrorView{Common: common, Title: name, Happened: name, Advice: name, Link: Link{Href: "/", Label: name}})
			},
		} {
			w := httptest.NewRecorder()
			if err := show(w); err != nil {
				t.Fatal(err)
			}
			roots = append(roots, parse(t, w.Body.String()))
		}
		return roots
	}
	// What has words of its own reads otherwise in another language.
	german := locale.All()[locale.Best("de")]
	isKey := func(name string) bool { return german.Message(name) != locale.Harmless(name) }
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" || isKey(name) || strings.TrimSpace(name) == "" {
			return // Empty parts are left out, and a key has its own words.
		}
		plain, hostile := render(t, "plain"), render(t, name)
		for i := range plain {
			if a, b := shape(plain[i]), shape(hostile[i]); a != b {
				t.Errorf("page %d has another shape with %q:\n%s", i, name, b)
			}
			// Fields hold what they hold; everything that is read as words must be harmless.
			for _, tag := range []string{"title", "h1", "header", "p", "span"} {
				for _, element := range all(hostile[i], tag, "", "") {
					if strings.ContainsAny(words(element), "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") {
						t.Errorf("page %d: <%s> holds a mark of writing direction", i, tag)
					}
				}
			}
		}
	})
}

// TestNameCannotTurnTheWords: a user calls herself RLO, LRI: the isolate that she leaves open swallows the end of
// <bdi>, and the words after her name came out reversed in chromium.
func TestNameCannotTurnTheWords(t *testing.T) {
	got, err := locale.All()[0].HTML("page.user", "\u202eada\u2066")
	if err != nil || !strings.Contains(string(got), "<bdi>\ufffdada\ufffd</bdi>") {
		t.Errorf("%q %v", got, err)
	}
	// What languages need stays: joiners, and letters of both directions.
	if got := locale.Harmless("נועה می\u200cخواهم 👩\u200d🚀"); got != "נועה می\u200cخواهم 👩\u200d🚀" {
		t.Errorf("%q", got)
	}
}

// TestP9_SetUpErrorKeepsTheSecret: an address of another scheme is no link and no QR code, and neither the error nor
// the page tells it.
func TestP9_SetUpErrorKeepsTheSecret(t *testing.T) {
	for _, uri := range []string{"", "javascript:alert('" + sampleKey + "')", "otpauth://hotp/x?secret=" + sampleKey, "OTPAUTH://totp/x?secret=" + sampleKey} {
		w := httptest.NewRecorder()
		err := New(Options{}).SetUp(w, 200, SetUpView{URI: uri, Key: sampleKey})
		if err == nil || strings.Contains(err.Error(), sampleKey) {
			t.Errorf("%q: error %v", uri, err)
		}
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), sampleKey) {
			t.Errorf("%q: %d %s", uri, w.Code, w.Body)
		}
	}
}

// TestRenderErrorSendsNoHalfPage: a page that fails in the middle is a plain 500, never a 200 with its first half.
func TestRenderErrorSendsNoHalfPage(t *testing.T) {
	r := New(Options{})
	w := httptest.NewRecorder()
	err := r.render(w, 200, "setup", "setup.title", page{Common: Common{App: "half a page"}, View: ChallengeView{}})
	if err == nil || w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "half a page") {
		t.Errorf("%d %v %s", w.Code, err, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "text/plain; charset=utf-8" {
		t.Errorf("type %q", got)
	}
}

// FuzzLocal: what is taken as a path on this site is one for a browser, too (`//evil`, `/\evil`, `/<TAB>/evil`,
// `https:evil`).
func FuzzLocal(f *testing.F) {
	for _, seed := range []string{
		"", "/", "/a?b=c#d", "//evil", `/\evil`, "/\t/evil", "/\n/evil", "https:evil", "https://evil", "javascript:alert(1)", "/%2f/evil", "/a//b", "evil", "/\x00/evil", "///evil",
	} {
		f.Add(seed)
	}
	base := &url.URL{Scheme: "https", Host: "here.example"}
	f.Fuzz(func(t *testing.T, address string) {
		got := local(address, "")
		if got == "" {
			return
		}
		// As browsers read it (WHATWG URL): tabs and line ends vanish, a backslash is a slash.
		read := strings.NewReplacer("\t", "", "\n", "", "\r", "", `\`, "/").Replace(strings.Trim(got, "\x00\x01\x1f "))
		if strings.HasPrefix(read, "//") || !strings.HasPrefix(read, "/") {
			t.Fatalf("%q leads elsewhere", address)
		}
		if parsed, err := base.Parse(read); err == nil && parsed.Host != base.Host {
			t.Errorf("%q leads to %s", address, parsed.Host)
		}
	})
}

// TestElsewhere: a way on that is none on this site is replaced or left out.
func TestElsewhere(t *testing.T) {
	r := New(Options{})
	for _, address := range []string{"", "//evil.example", "https://evil.example/", `/\evil.example`, "javascript:alert(1)"} {
		w := httptest.NewRecorder()
		if err := r.Error(w, 400, ErrorView{Link: Link{Href: address}}); err != nil {
			t.Fatal(err)
		}
		if found := all(parse(t, w.Body.String()), "a", "", ""); len(found) > 0 {
			t.Errorf("the error links to %q", attr(found[0], "href"))
		}
	}
}

// TestConcurrent: one Renderer serves all; the race detector looks on.
func TestConcurrent(t *testing.T) {
	r := New(Options{})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for _, s := range samples(r) {
				if err := s.show(httptest.NewRecorder()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}
