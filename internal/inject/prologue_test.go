package inject

import (
	"io"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// first stands for the guard: an element that a head may have.
const first = `<script id="first"></script>`

// implied are documents that leave the start tag of their head out; § is where a browser takes it to begin.
var implied = []string{
	"<!doctype html>§<title>x</title><p>hi", "<!DOCTYPE html>\n<!-- <p> -->\n<html lang=en>\n§<title>x</title>", "<html>§<body>hi</body></html>",
	"\xef\xbb\xbf<!doctype html>§<p>hi", "<!doctype html>\n§hi<p>", "<!doctype html>§</head><p>", "<!doctype html>§</p>hi", "<html>§<script>a</script>",
	"<!doctype html>§< p", "<HTML\n>§<header></header>", "<!doctype html>§<htmlx>", "<!doctype html>§<he>", "<!doctype html><?php ?></><![CDATA[ x ]]>§<b>",
	"<!doctype html PUBLIC '-//W3C//DTD HTML 4.01//EN'>§<h1>", "<!doctype html>§<frameset><frame src=x></frameset>", "<!doctype html>§<table><td>hi",
	"<!doctype html>§\x00<p>", "<!doctype html>§<plaintext>", "<!doctypehtml>§<p>", "<!doctype html>§<template><head></template>", "<html><html a=b>§<meta charset=utf-8>",
	"<!doctype html>§é", "<html>§<svg><style></style></svg>", "<!doctype html><html><head>§<title>x</title></head>", "<!doctype html><HEAD id='>' >§<p>",
}

// pieces may be for a script to put into a page. Only a browser that says that it shows them in a window makes
// documents of those that begin with a tag.
var pieces = map[string]bool{
	"§<title>x</title><p>hi": true, " <!-- x -->\n§<div>x</div>": true, "§<h1>": true, "§<tr><td>": true, "§</p>": true, "§<header>": true,
	`{"html":"<p>x</p>"}`: false, "OK": false, "": false, " \n": false, "<!-- x -->": false, "<!doctyp html>x": false, "x<!doctype html><p>": false, "\xefx<p>": false,
	"\xef<p>": false, "\xef\xbb\xbf hi<p>": false,
}

func TestHeadImplied(t *testing.T) {
	t.Parallel()
	check := func(document string, assumed bool) {
		want := strings.Replace(document, "§", first, 1)
		document = strings.Replace(document, "§", "", 1)
		for i := range len(document) + 1 {
			for j := i; j <= len(document); j++ {
				var out strings.Builder
				r := Rewriter{To: &out, AfterHead: []byte(first), Assumed: assumed}
				for _, piece := range []string{document[:i], document[i:j], document[j:]} {
					if n, err := io.WriteString(&r, piece); err != nil || n != len(piece) {
						t.Fatal(n, err)
					}
				}
				if err := r.Close(); err != nil || out.String() != want {
					t.Fatalf("%q, cut at %d and %d, becomes %q, want %q (%v)", document, i, j, out.String(), want, err)
				}
			}
		}
	}
	for _, document := range implied {
		check(document, false)
		check(document, true)
	}
	for piece, page := range pieces {
		check(strings.Replace(piece, "§", "", 1), false)
		if page {
			check(piece, true)
		} else {
			check(strings.Replace(piece, "§", "", 1), true)
		}
	}
}

// TestHeadImpliedChangesNothingElse: to a browser's parser the page is the same but for the element, which is the first
// in its head.
func TestHeadImpliedChangesNothingElse(t *testing.T) {
	t.Parallel()
	documents := implied
	for piece, page := range pieces {
		if page {
			documents = append(documents[:len(documents):len(documents)], piece)
		}
	}
	for _, document := range documents {
		samePage(t, strings.Replace(document, "§", first, 1), strings.Replace(document, "§", "", 1))
	}
}

// samePage fails the test unless the page with the element has it first in its head, and is else the page without.
func samePage(t *testing.T, with, without string) {
	t.Helper()
	parse := func(text string) *html.Node {
		tree, err := html.Parse(strings.NewReader(strings.TrimPrefix(text, orderMark)))
		if err != nil {
			t.Skip(err)
		}
		return tree
	}
	render := func(tree *html.Node) string {
		var out strings.Builder
		if err := html.Render(&out, tree); err != nil {
			t.Skip(err)
		}
		return out.String()
	}
	tree := parse(with)
	found := false
	for node := range tree.Descendants() {
		if node.Type == html.ElementNode && node.Data == "head" {
			if found = node.FirstChild != nil && node.FirstChild.Data == "script"; found {
				node.RemoveChild(node.FirstChild)
			}
			break
		}
	}
	if want := render(parse(without)); !found || render(tree) != want {
		t.Errorf("%q: first in the head %t\n%s\n%s", without, found, render(tree), want)
	}
}

// FuzzHeadImplied: whatever the document, a parser reads it as it would without the element.
func FuzzHeadImplied(f *testing.F) {
	for _, document := range implied {
		f.Add(strings.Replace(document, "§", "", 1), true)
	}
	f.Fuzz(func(t *testing.T, document string, assumed bool) {
		var out strings.Builder
		r := Rewriter{To: &out, AfterHead: []byte(first), Assumed: assumed}
		_, _ = io.WriteString(&r, document)
		if _ = r.Close(); strings.Replace(out.String(), first, "", 1) != document {
			t.Fatalf("%q becomes %q", document, out.String())
		}
		// A start tag of the head in a place where there is none is taken for one all the same.
		if !strings.Contains(strings.ToLower(document), "<head") && !strings.Contains(document, first) && out.String() != document {
			samePage(t, out.String(), document)
		}
	})
}

// TestHeadMissed: what is flushed in the middle of the first tag may be too late for the head, and is never torn.
func TestHeadMissed(t *testing.T) {
	t.Parallel()
	const document = "<!doctype html><html><title>x</title>"
	for i := range len(document) + 1 {
		var out strings.Builder
		r := Rewriter{To: &out, AfterHead: []byte(first)}
		_, _ = io.WriteString(&r, document[:i])
		if err := r.Flush(); err != nil || !strings.HasSuffix(strings.Replace(out.String(), first, "", 1), document[:i]) {
			t.Fatalf("flushed at %d: %q %v", i, out.String(), err)
		}
		_, _ = io.WriteString(&r, document[i:])
		_ = r.Close()
		whole := strings.Replace(document, "<title>", first+"<title>", 1)
		if got := out.String(); got != whole && got != document {
			t.Errorf("flushed at %d: %q", i, got)
		}
	}
}

// TestEnd: the link goes to the end of a page that leaves `</body>` out, if an element can begin there; and to none of
// what breaks off, or is a piece of a page.
func TestEnd(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]bool{
		"<!doctype html><title>x</title><p>hi": true, "<html><p>hi</html>\n": true, "<!doctype html>hi": true, "<!doctype html><div><table><tr><td>hi": true,
		"<!doctype html><p title='x": false, "<!doctype html><p>hi</bo": false, "<!doctype html><p>hi<": false, "<!doctype html><script>x": false, "<!doctype html><textarea>": false,
		"<!doctype html><!-- ": false, "<!doctype html><template>": false, "<!doctype html><select><option>": false, "<!doctype html><svg>": false,
		"<!doctype html><svg><style><a title='</style>'>": false, "<!doctype html><frameset></frameset>": false, "<!doctype html><plaintext>": false,
		"<p>hi": false, `{"a":1}`: false, "": false, "<!doctype html>": false, "<!doctype html>\x1b$B": false,
	} {
		for i := range len(document) + 1 {
			var out strings.Builder
			r := Rewriter{To: &out, AfterHead: []byte(""), Before: []byte(mark)}
			for _, piece := range []string{document[:i], document[i:]} {
				_, _ = io.WriteString(&r, piece)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			expected := document
			if want {
				expected += mark
			}
			if out.String() != expected {
				t.Errorf("%q, cut at %d, becomes %q", document, i, out.String())
			}
			if r.Close() != nil || out.String() != expected {
				t.Errorf("%q: closed twice: %q", document, out.String())
			}
		}
	}
	var out strings.Builder
	r := Rewriter{To: &out, Before: []byte(mark), Assumed: true}
	_, _ = io.WriteString(&r, "<p>hi")
	if _ = r.Close(); out.String() != "<p>hi"+mark {
		t.Errorf("a page in a window that does not say that it is one: %q", out.String())
	}
}
