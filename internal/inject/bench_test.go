package inject

import (
	"io"
	"strings"
	"testing"
)

// page is an HTML page of about 100 KB as wikis and lists have it: a tag for each 30 bytes.
func page() []byte {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html lang=en><head><title>Entries</title><script>if (a<b) go()</script></head>\n<body>\n<table>\n")
	for b.Len() < 100<<10 {
		b.WriteString(`<tr class="entry"><td><a href="/entries/4711" title="Go there">Lunch with the auditors</a></td><td>12 March, paid by <em>card</em></td>`)
		b.WriteString("\n<td><svg width=\"12\" height=\"12\"><path d=\"M0 0h12v12z\"/></svg></td></tr>\n")
	}
	b.WriteString("</table>\n</body>\n</html>\n")
	return []byte(b.String())
}

// BenchmarkPage is what a page of 100 KB costs, in pieces of 32 KB as a reverse proxy writes them.
func BenchmarkPage(b *testing.B) {
	document := page()
	send := func(b *testing.B, w io.Writer) {
		for rest := document; len(rest) > 0; {
			n := min(len(rest), 32<<10)
			if _, err := w.Write(rest[:n]); err != nil {
				b.Fatal(err)
			}
			rest = rest[n:]
		}
	}
	for _, test := range []struct {
		name    string
		rewrite func() io.Writer
	}{
		{"bare", func() io.Writer { return io.Discard }},
		{"body", func() io.Writer { return &Rewriter{To: io.Discard, Before: []byte(mark)} }},
		{"head", func() io.Writer { return &Rewriter{To: io.Discard, AfterHead: []byte(mark)} }},
	} {
		b.Run(test.name, func(b *testing.B) {
			b.SetBytes(int64(len(document)))
			b.ReportAllocs()
			for b.Loop() {
				send(b, test.rewrite())
			}
		})
	}
}
