package pages

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
)

// branded are pages of an operator's own: a name, a logo and a colour that neither scheme can take as it is.
func branded(t *testing.T, colour string) *Renderer {
	t.Helper()
	r, err := NewThemed(Options{Brand: Brand{Name: "Orchard & Sons", Logo: []byte(sampleLogo), Colour: colour}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestBrand: name and logo stand at the top of every page, where the app's own name stays in what the page says; the
// page weighs no more than it may, and its policy allows one picture more.
func TestBrand(t *testing.T) {
	r := branded(t, "#e8590c")
	if want := New(Options{}).Policy(); !strings.HasSuffix(r.Policy(), "; img-src 'self'") || strings.Contains(want, "img-src") {
		t.Errorf("policies %q and %q", r.Policy(), want)
	}
	for _, language := range Languages() {
		for _, s := range samplesIn(r, language) {
			w := answer(t, s)
			if size := w.Body.Len(); size > 30<<10 {
				t.Errorf("%s weighs %d bytes in %s", s.name, size, language)
			}
			root := parse(t, w.Body.String())
			head := one(t, root, "strong", "class", "app")
			if got := words(head); got != "Orchard & Sons" {
				t.Errorf("%s is headed %q", s.name, got)
			}
			logo := one(t, head, "img", "", "")
			if attr(logo, "src") != "/second-factor/logo?v="+r.Logo().Version || !has(logo, "alt") || attr(logo, "alt") != "" ||
				attr(logo, "width") != "48" || attr(logo, "height") != "32" {
				t.Errorf("%s: logo %v", s.name, logo.Attr)
			}
			if found := all(root, "img", "", ""); len(found) != 1 {
				t.Errorf("%s has %d pictures", s.name, len(found))
			}
			style := one(t, root, "style", "", "")
			if !strings.Contains(r.Policy(), source(style.FirstChild.Data)) {
				t.Errorf("%s: the policy does not allow the style", s.name)
			}
		}
	}
	r = New(Options{Brand: Brand{Name: "\u202e<b>"}})
	w := httptest.NewRecorder()
	if err := r.Challenge(w, 200, ChallengeView{Common: Common{App: "Example Wiki", User: "ada"}}); err != nil {
		t.Fatal(err)
	}
	root := parse(t, w.Body.String())
	if got := words(one(t, root, "strong", "class", "app")); got != "B\ufffd<b>" {
		t.Errorf("a hostile name is %q", got)
	}
	if text := words(one(t, root, "title", "", "")); text != "Enter your code – Example Wiki" || strings.Contains(r.Policy(), "img-src") {
		t.Error("the app has lost its name")
	}
}

// TestBrandErrors: an error says which setting it is about.
func TestBrandErrors(t *testing.T) {
	for setting, brand := range map[string]Brand{
		"colour": {Colour: "red"}, "logo": {Logo: []byte("x")}, "templates": {Templates: folder(map[string]string{"x.html": ""})},
	} {
		_, err := NewThemed(Options{Brand: brand})
		var wrong *BrandError
		if !errors.As(err, &wrong) || wrong.Setting != setting || !strings.HasPrefix(err.Error(), setting+": ") || errors.Unwrap(err) == nil {
			t.Errorf("%s: %v", setting, err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: New does not panic", setting)
				}
			}()
			New(Options{Brand: brand})
		}()
	}
}

// TestBrandAssetsStandAlone is TestAssetsStandAlone for the logo's style.
func TestBrandAssetsStandAlone(t *testing.T) {
	if err := lookAtStyle(small().brand); err != nil {
		t.Error(err)
	}
}
