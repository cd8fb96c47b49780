package pages

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// sample is one of package samples, which uses this one: what it holds is handed in by samples_of_test.go.
type sample struct {
	name string
	// qr is what the page's QR code holds.
	qr   string
	show func(w http.ResponseWriter) error
}

var (
	// samplesIn are all pages in all their kinds, for a browser that says this in Accept-Language.
	samplesIn func(r *Renderer, languages string) []sample
	// The values that the samples show.
	sampleKey, sampleURI, sampleToken, sampleLogo string
	sampleSince                                   time.Time
	sampleCodes                                   []string
)

// HandIn is called by samples_of_test.go.
func HandIn(each func(r *Renderer, languages string, add func(name, qr string, show func(w http.ResponseWriter) error)),
	key, uri, token, logo string, since time.Time, codes []string,
) {
	samplesIn = func(r *Renderer, languages string) (all []sample) {
		each(r, languages, func(name, qr string, show func(w http.ResponseWriter) error) {
			all = append(all, sample{name, qr, show})
		})
		return all
	}
	sampleKey, sampleURI, sampleToken, sampleLogo, sampleSince, sampleCodes = key, uri, token, logo, since, codes
}

// samples are all pages in all their kinds, in English.
func samples(r *Renderer) []sample { return samplesIn(r, "") }

// answer renders a sample.
func answer(t *testing.T, s sample) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	if err := s.show(w); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	return w
}

// named renders the sample of this name and parses it.
func named(t *testing.T, name string) *html.Node {
	t.Helper()
	for _, s := range samples(New(Options{})) {
		if s.name == name {
			return parse(t, answer(t, s).Body.String())
		}
	}
	t.Fatalf("no sample %q", name)
	return nil
}

func parse(t *testing.T, page string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// all are the elements of a tag ("" for any) that have the attribute with this value ("" attribute: all).
func all(root *html.Node, tag, attribute, value string) []*html.Node {
	var found []*html.Node
	for node := range root.Descendants() {
		if node.Type != html.ElementNode || tag != "" && node.Data != tag {
			continue
		}
		if attribute != "" && (!has(node, attribute) || attr(node, attribute) != value) {
			continue
		}
		found = append(found, node)
	}
	return found
}

// one is the only such element.
func one(t *testing.T, root *html.Node, tag, attribute, value string) *html.Node {
	t.Helper()
	found := all(root, tag, attribute, value)
	if len(found) != 1 {
		t.Fatalf("%d elements <%s %s=%q>, want one", len(found), tag, attribute, value)
	}
	return found[0]
}

func has(node *html.Node, name string) bool {
	for _, a := range node.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func attr(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// words is the text in a node, its white space folded.
func words(node *html.Node) string { return wordsOf(node) }
