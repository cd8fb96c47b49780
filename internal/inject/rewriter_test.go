package inject

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// mark stands for the markup; in the documents below § stands for the place where it is expected.
const mark = `<p id="mark"></p>`

// cut sends a document through a Rewriter in pieces, which end at the given places.
func cut(t testing.TB, r Rewriter, document string, at ...int) string {
	t.Helper()
	var out strings.Builder
	r.To = &out
	from := 0
	for _, to := range append(at, len(document)) {
		piece := []byte(document[from:to])
		if n, err := r.Write(piece); n != len(piece) || err != nil {
			t.Fatalf("%d %v", n, err)
		}
		if held := from + len(piece) - (out.Len() - strings.Count(out.String(), mark)*len(mark)); held > len("</body") {
			t.Fatalf("%d bytes of %q are held back", held, document[:to])
		}
		// Nobody may look at the piece again.
		for i := range piece {
			piece[i] = '?'
		}
		from = to
	}
	if err := r.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// documents have their place marked with §. Those without are left alone.
var documents = []string{
	"",
	"§</body>",
	"<!DOCTYPE html><html><head><title>x</title></head><body class='a'><p>text</p>§</body></html>",
	"<p>x§</BODY >", "<p>x§</bOdY\n\tid=x>", "<p>x§</body/>", "<p>x§</body\f>", "x§</body\r\n>",
	"a < b </bodyx> </bod y> </bo</bodyz> a </b></bo x>§</body>", "a </b</bo</bod</body>§</body>",
	"§</body><p>more</p></body></body>",
	"<body><p>no end tag",
	// Attributes.
	`<a title="</body>">§</body>`, `<a title='</body>'>§</body>`, `<a title=</body>x§</body>`, `<a </body>x§</body>`, `<a b</body>x§</body>`,
	`<a title = "x"y='</body>' =' z>§</body>'>`, `<a/title="</body>"/>§</body>`, `<a title=x"y>§</body>`, `</p title="</body>">§</body>`, `<a title="</body>`,
	`<a =">§</body>">`, `<a b="c"="d>§</body>">`, `<a title=>§</body>`, `<a title= >§</body>`, "<a\x00b title='</body>'>§</body>",
	// Comments and what counts as one.
	"<!-- </body> -->§</body>", "<!-->§</body>-->", "<!--->§</body>-->", "<!---->§</body>", "<!-- --!>§</body>", "<!-- </body> --!-></body>-->§</body>",
	"<!-- - </body> -- </body> --- </body> --->§</body>", "<!-- <!-- -->§</body> -->", "<!-- <!-->§</body>-->", "<!-x </body>§</body>", "<!x - -- \" >§</body>",
	"<!DOCTYPE html PUBLIC \"</body>\">§</body>", "<?php '</body>' ?>§</body>", "</ </body>§</body>", "</>§</body>", "<>§</body>", "<![CDATA[ </body> ]]>§</body>", "<!>§</body>", "<!->§</body>",
	// Text without tags.
	"<script>'</body>'</script>§</body>", "<SCRIPT src=x>'</body>'</Script x='</body>' >§</body>", "<style>/*</body>*/</style>§</body>", "<script/>'</body>'</script>§</body>",
	"<title></body></title>§</body>", "<textarea></body></textareaX></body></textarea\n>§</body>", "<xmp></body></xmp>§</body>", "<iframe></body></iframe>§</body>",
	"<noembed></body></noembed>§</body>", "<noframes></body></noframes>§</body>", "<noscript></body></noscript>§</body>",
	"<title><title></body></title>§</body>", "<title></style></body></title>§</body>", "<title><!--</title>§</body>-->", "<title></</title>§</body>", "<title></titl</title>§</body>",
	"<script>a<b</script>§</body>", "<script></</script>§</body>", "<script></body>",
	"<script><!-- <script> </script> </body> --></script>§</body>", "<script><!-- </script>§</body> -->", "<script><!-- <script> </body> </script> </script>§</body>",
	"<script><!-- <script> --></script>§</body>", "<script><!--></script>§</body>", "<script><!--><script></script>§</body>", "<script><!-- <scriptx> </script>§</body>", "<script><!-- <script </script></body></script>§</body>",
	"<script><!-- <script> </scriptx></script x </body></script>§</body>", "<script><!-- <script> </ </script> --></script>§</body>", "<script><!-<script></script>§</body>",
	"<script><!x--<script></script>§</body>", "<script><!-- <script> - > -- > </body> --></script>§</body>", "<script>x --> <script> </script>§</body>",
	"<script><!-- <</script>§</body>", "<script><!-- <script><</script></body></script>§</body>", "<title><!-- <script> </title>§</body>",
	"<plaintext></body>", "<frameset></body>", "</plaintext>§</body>",
	// Templates and selects: their content is no page's.
	"<template></body></template>§</body>", "<template><template></template></body></template>§</body>", "<template></body>", "</template>§</body>",
	"<select></body></select>§</body>", "<select><option>x</select>§</body>", "<select><title>x</title></select>§</body>",
	// In SVG and MathML other rules hold.
	"<svg><path d='</body>'/></svg>§</body>", "<svg><title>x</title><style>a{}</style></svg><script>a<b</script>§</body>", "<svg>§</body>", "<svg><desc>x</desc></svg><title><b></title>§</body>",
	"<svg><script>x</script></svg>§</body>", "<math><mi>x</mi><mo>+</mo></math><title><b></title>§</body>", "<svg/><title><b></title>§</body>",
	"<svg><![CDATA[ x ]]></svg>§</body>", "<svg><![CDATA[ ] ]] ]]]></svg>§</body>", "<svg><svg></svg></svg><title><b></title>§</body>", "<desc><b></desc><title><b></title>§</body>",
	"<svg/ ><style>x</style></svg>§</body>", "<svg><g/></svg><mi/><title><b></title>§</body>", "<math><mi/><mo>x</mo></math><title><b></title>§</body>",
	"<svg><foreignObject><p>x</foreignObject></svg>§</body>", "<svg><desc><b></desc></svg>§</body>",
	// Bytes that are not ASCII.
	"\xef\xbb\xbf<p>é§</body>", "<p>\xe9\xff\x00§</body>",
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	for _, document := range documents {
		want := strings.Replace(document, "§", mark, 1)
		document := strings.Replace(document, "§", "", 1)
		r := Rewriter{Before: []byte(mark)}
		if got := cut(t, r, document); got != want {
			t.Errorf("%q\nbecomes %q\nwant    %q", document, got, want)
			continue
		}
		for i := range len(document) + 1 {
			for j := i; j <= len(document); j++ {
				if got := cut(t, r, document, i, j); got != want {
					t.Fatalf("cut at %d and %d: %q\nbecomes %q", i, j, document, got)
				}
			}
		}
	}
}

// uncertain are documents of which only the whole tree would tell how they are to be read. They are left alone.
var uncertain = []string{
	// A browser reads tags inside SVG's style and title, and finds the end of the CDATA section elsewhere.
	`<svg><style><a title="</style></body>"></svg></body>`, `<svg><title><b></title></svg></body>`, "<svg><![CDATA[ > ]]></svg></body>", "<svg><![CDATA[ </body> ]]></svg></body>",
	`<svg><![CDATA[ ]> ]]></svg></body>`, "<math><style></b></style></math></body>", "<svg><script><!-- --></script></svg></body>", "<svg><style></ x></style></svg></body>",
	"<svg><style></></style></svg></body>", "<svg><style>a < b</style></svg></body>", "<svg><svg></svg><style><b></style></svg></body>",
	// The end tag is ignored, the element stays open.
	"<svg><foreignObject></svg></foreignObject><style><b></style></body>", "<math><svg></svg></svg><style><b></style></body>", "<svg><math></math><style><b></style></body>",
	"<math><annotation-xml encoding=text/html></math></annotation-xml><style><b></style></body>", "<svg><desc><p></svg></desc><style><b></style></body>",
	"<math><mi><b></math></mi><style><b></style></body>",
	// Some browsers ignore most tags in a select.
	`<select><style><a title="</style></body>"></select></body>`, "<select><template></select></template><style><b></style></body>",
	// An encoding of its own.
	"\xfe\xff</body>", "\xff\xfe</body>", "x\x1b$B</body>", "\x1b</body>", "</body\x1b>",
}

func TestUncertain(t *testing.T) {
	t.Parallel()
	for _, document := range uncertain {
		for i := range len(document) + 1 {
			if got := cut(t, Rewriter{Before: []byte(mark)}, document, i); got != document {
				t.Errorf("cut at %d: %q\nbecomes %q", i, document, got)
				break
			}
		}
	}
}

// TestNoWayOutOfAnAttribute: what somebody wrote into the app stands well escaped in an attribute, in which `<` and `>`
// need no escape. It looks as if the raw text around it ended there, and as if the body did. Quotes of ours in that
// place would turn it into markup: a hole in an app that had none.
func TestNoWayOutOfAnAttribute(t *testing.T) {
	t.Parallel()
	const text = `</style></title></textarea></script></select></template></svg></math>--></body ><img src=x onerror=alert(1)>`
	for _, around := range []string{
		`<a title="%">`, `<svg><style><a title="%">`, `<svg><title><a title='%'>`, `<select><style><a title="%">`, `<math><mtext><svg><style><a title="%">`,
		`<svg><foreignObject><p><svg></svg></foreignObject><style><a title="%">`, `<textarea></textarea x="%">`, `<!--><a title="%">`, `<svg><desc/><style><a title="%">`,
		`<svg><textarea><a title="%">`, `<script><!-- <script> --></script><a title="%">`, `<math><xmp><a title='%'>`, `<svg><noscript><a title="%">`,
	} {
		document := strings.Replace(around, "%", text, 1)
		if got := cut(t, Rewriter{Before: []byte(mark)}, document); got != document {
			t.Errorf("%q\nbecomes %q", document, got)
		}
	}
}

// TestFlush: what is held back goes out when the app wants to be seen, and the markup goes behind the tag then.
func TestFlush(t *testing.T) {
	t.Parallel()
	const document = "<p>x</body></p></body>"
	for i := range len(document) + 1 {
		var out strings.Builder
		r := Rewriter{To: &out, Before: []byte(mark)}
		for _, piece := range []string{document[:i], document[i:]} {
			if _, err := io.WriteString(&r, piece); err != nil || r.Flush() != nil {
				t.Fatal(err)
			}
			if got := strings.Replace(out.String(), mark, "", 1); !strings.HasSuffix(got, piece) {
				t.Fatalf("flushed after %d: %q", i, got)
			}
		}
		want := "<p>x" + mark + "</body></p></body>"
		if i > len("<p>x") && i < len("<p>x</body>") {
			want = "<p>x</body>" + mark + "</p></body>"
		}
		if out.String() != want {
			t.Errorf("flushed after %d: %q, want %q", i, out.String(), want)
		}
	}
	// What was no tag in the end does not count.
	var out strings.Builder
	r := Rewriter{To: &out, Before: []byte(mark)}
	for _, piece := range []string{"</bo", "x></body>"} {
		_, _ = io.WriteString(&r, piece)
		_ = r.Flush()
	}
	if want := "</box>" + mark + "</body>"; out.String() != want {
		t.Errorf("%q", out.String())
	}
}

// TestHead: behind the start tag of the head, and once only.
func TestHead(t *testing.T) {
	t.Parallel()
	for _, document := range []string{
		"<html><head>§<title></title></head><head></body>", "<html><HEAD lang='>' / >§</body>", "<header></header></head><body><head></body>",
		"<!-- <head> --><headx></body>", "<template><head></template></body>",
	} {
		want := strings.Replace(document, "§", mark, 1)
		document := strings.Replace(document, "§", "", 1)
		for i := range len(document) + 1 {
			if got := cut(t, Rewriter{AfterHead: []byte(mark)}, document, i); got != want {
				t.Errorf("cut at %d: %q becomes %q", i, document, got)
			}
			both := strings.Replace(want, "</body>", "<b></body>", 1)
			var out strings.Builder
			r := Rewriter{To: &out, AfterHead: []byte(mark), Before: []byte("<b>")}
			_, _ = io.WriteString(&r, document[:i])
			_, _ = io.WriteString(&r, document[i:])
			if out.String() != both {
				t.Errorf("both, cut at %d: %q becomes %q", i, document, out.String())
			}
		}
	}
	if got := cut(t, Rewriter{}, "<head></body>"); got != "<head></body>" {
		t.Errorf("nothing to put in: %q", got)
	}
}

// TestBase: a page that says what its addresses are relative to gets other markup, where there is some.
func TestBase(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		"<base href=x></body>": "based", "<BASE/></body>": "based", "<!-- <base> --></body>": mark, "</base><basex></body>": mark,
	} {
		if got := cut(t, Rewriter{Before: []byte(mark), BeforeBased: []byte("based")}, document, 3); !strings.Contains(got, want+"</body>") {
			t.Errorf("%q becomes %q", document, got)
		}
	}
	if got := cut(t, Rewriter{Before: []byte(mark)}, "<base></body>"); got != "<base>"+mark+"</body>" {
		t.Errorf("%q", got)
	}
}

// stingy fails after so many bytes.
type stingy int

func (s *stingy) Write(p []byte) (int, error) {
	if len(p) > int(*s) {
		return 0, errors.New("no more")
	}
	*s -= stingy(len(p))
	return len(p), nil
}

// TestError: an error is returned, and nothing is written behind it.
func TestError(t *testing.T) {
	t.Parallel()
	const document = "<p>x</body></html>"
	for limit := range len(document) + len(mark) {
		to := stingy(limit)
		r := Rewriter{To: &to, Before: []byte(mark)}
		n, err := io.WriteString(&r, document)
		if err == nil || n >= len(document) {
			t.Errorf("limit %d: %d, %v", limit, n, err)
		}
		if n, err := io.WriteString(&r, "x"); limit < len(document) && (n != 0 || err == nil || r.Flush() == nil) {
			t.Errorf("limit %d: it goes on: %d, %v", limit, n, err)
		}
	}
}

// TestWhereItStands: a browser's parser finds the markup as an element of the page.
func TestWhereItStands(t *testing.T) {
	t.Parallel()
	for _, document := range documents {
		if strings.Contains(document, "§") && !stands(t, strings.Replace(document, "§", mark, 1)) {
			t.Errorf("no element: %q", document)
		}
	}
}

func stands(t testing.TB, page string) bool {
	t.Helper()
	tree, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for node := range tree.Descendants() {
		if node.Type == html.ElementNode && node.Data == "p" && node.Namespace == "" && len(node.Attr) == 1 && node.Attr[0].Val == "mark" {
			return true
		}
	}
	return false
}

// TestNames: each name that means something is recognised, whatever is looked at first.
func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]kind{
		"body": body, "head": head, "base": base, "plaintext": endless, "frameset": endless, "svg": svg, "math": math, "template": template,
		"select": selectElement, "mi": textPoint, "mo": textPoint, "mn": textPoint, "ms": textPoint, "mtext": textPoint, "desc": textPoint,
		"foreignobject": point, "annotation-xml": point, "script": rawElement, "style": rawElement, "textarea": rawElement, "title": rawElement, "xmp": rawElement,
		"iframe": rawElement, "noembed": rawElement, "noframes": rawElement, "noscript": rawElement, "p": ordinary, "html": ordinary, "annotation-xml-and-more": ordinary,
	} {
		var s scanner
		copy(s.name[:], name)
		s.size = len(name)
		if got := s.kindOf(); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

// FuzzRewriter: the app's bytes go out unchanged, the markup at most once, where a browser's parser takes it for an
// element, however the document is cut.
func FuzzRewriter(f *testing.F) {
	for i, document := range append(documents, uncertain...) {
		f.Add([]byte(strings.Replace(document, "§", "", 1)), uint16(i), uint16(3*i))
	}
	f.Fuzz(func(t *testing.T, document []byte, one, two uint16) {
		if bytes.Contains(document, []byte("mark")) {
			return
		}
		whole := cut(t, Rewriter{Before: []byte(mark)}, string(document))
		if strings.Count(whole, mark) > 1 || strings.Replace(whole, mark, "", 1) != string(document) {
			t.Fatalf("%q becomes %q", document, whole)
		}
		a := int(one) % (len(document) + 1)
		b := a + int(two)%(len(document)-a+1)
		if got := cut(t, Rewriter{Before: []byte(mark)}, string(document), a, b); got != whole {
			t.Fatalf("%q\nbecomes  %q\nin parts %q", document, whole, got)
		}
		single := make([]int, len(document))
		for i := range single {
			single[i] = i
		}
		if got := cut(t, Rewriter{Before: []byte(mark)}, string(document), single...); got != whole {
			t.Fatalf("%q\nbecomes   %q\nbyte-wise %q", document, whole, got)
		}
		if whole != string(document) && !stands(t, whole) {
			t.Fatalf("no element: %q", whole)
		}
		var out strings.Builder
		r := Rewriter{To: &out, Before: []byte(mark)}
		_, _ = r.Write(document[:a])
		_ = r.Flush()
		_, _ = r.Write(document[a:])
		_ = r.Flush()
		// With an end tag that was missed and never ends there is no place.
		if strings.Replace(out.String(), mark, "", 1) != string(document) || out.String() != string(document) && (whole == string(document) || !stands(t, out.String())) {
			t.Fatalf("%q\nbecomes %q\nflushed %q", document, whole, out.String())
		}
	})
}
