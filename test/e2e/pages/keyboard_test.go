package pages

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/pages/samples"
)

// controls numbers the controls of a page, in the order of the document, and returns their names. If a dialog is open
// it counts only that, because the rest of the page must be out of reach.
const controls = `(() => {
	const box = document.querySelector("dialog:modal") || document;
	window.controls = [...box.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex='0']")].filter(e =>
		e.type !== "hidden" && !e.disabled && e.checkVisibility({ visibilityProperty: true }));
	return window.controls.map(e => e.getAttribute("aria-label") || e.innerText || e.name || e.id);
})()`

// focused returns the number of the control that has the focus, -1 if none has it, and what is wrong with the control:
// the focus is not visible, the control is out of view, it has no name for screen readers, or keys do not operate it.
const focused = `(() => {
	const e = document.activeElement, number = window.controls.indexOf(e), style = getComputedStyle(e), r = e.getBoundingClientRect();
	if (number < 0) return "-1 ";
	const wrong = [];
	if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) wrong.push("has no outline");
	if (r.bottom < 0 || r.top > innerHeight || r.right < 0 || r.left > innerWidth) wrong.push("is out of sight");
	if (!["A", "BUTTON", "INPUT", "SELECT", "TEXTAREA", "SUMMARY"].includes(e.tagName)) wrong.push("is a " + e.tagName);
	if (!(e.getAttribute("aria-label") || e.innerText || (e.labels && e.labels.length))) wrong.push("has no name");
	return number + " " + wrong.join(", ");
})()`

// order returns the controls that are out of reading order: those that are above the control that the Tab key reaches
// earlier, or before it on the same line.
const order = `(() => {
	const rtl = document.dir === "rtl", boxes = window.controls.map(e => e.getBoundingClientRect());
	return boxes.map((box, i) => {
		const before = boxes[i - 1];
		if (!before) return "";
		const sameLine = box.top < before.bottom - 4 && before.top < box.bottom - 4;
		const backwards = sameLine ? (rtl ? box.right > before.right : box.left < before.left) : box.bottom <= before.top + 4 && (rtl ? box.right > before.left : box.left < before.right);
		return backwards ? (window.controls[i].innerText || window.controls[i].name) + " stands before " + (window.controls[i - 1].innerText || window.controls[i - 1].name) : "";
	}).filter(said => said);
})()`

// TestKeyboard: on every page and in every state the Tab key reaches each control once, in reading order, with scripts
// and without, from left to right and from right to left. The focus is visible, and all controls are elements that keys
// operate by themselves.
func TestKeyboard(t *testing.T) {
	ctx, server := browser(t), serve(t)
	if _, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	for n, s := range samples.All(pages.New(pages.Options{}), "") {
		l := look{[]string{"en", "ar"}[n/2%2], "light", []int64{390, 1280}[n%2], n%3 != 0}
		t.Run(s.Name+"-"+l.String(), func(t *testing.T) {
			open(ctx, t, server.URL, s.Name, l)
			names, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](controls))
			if err != nil {
				t.Fatal(err)
			}
			wrongOrder, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](order))
			if err != nil {
				t.Fatal(err)
			}
			for _, said := range wrongOrder {
				t.Error(said)
			}
			// Begin at the first control: the page may have set the focus to a later one.
			if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](`window.controls.length && window.controls[0].focus()`)); err != nil {
				t.Fatal(err)
			}
			for i, name := range names {
				if i > 0 {
					if err := chromedp.Do(ctx, chromedp.KeyEvent(kb.Tab)); err != nil {
						t.Fatal(err)
					}
				}
				said, err := chromedp.Run(ctx, chromedp.Evaluate[string](focused))
				if err != nil {
					t.Fatal(err)
				}
				number, problem, _ := strings.Cut(said, " ")
				if number != strconv.Itoa(i) {
					t.Fatalf("Tab leads to control %s, want %d, %q, of %q", number, i, name, names)
				}
				if problem != "" {
					t.Errorf("%q %s", name, problem)
				}
			}
		})
	}
}

// TestOneRequest: a page needs one request and has at most 30 KB, in every language. The browser requests nothing else,
// except an icon.
func TestOneRequest(t *testing.T) {
	r := pages.New(pages.Options{})
	for _, language := range pages.Languages() {
		for _, s := range samples.All(r, language) {
			w := httptest.NewRecorder()
			if err := s.Show(w); err != nil || w.Body.Len() > 30<<10 {
				t.Errorf("%s in %s has %d bytes (%v)", s.Name, language, w.Body.Len(), err)
			}
		}
	}
	ctx := browser(t)
	asked := make(chan string, 100)
	mux := http.NewServeMux()
	for _, s := range samples.All(r, "") {
		mux.HandleFunc("GET /"+s.Name, func(w http.ResponseWriter, _ *http.Request) {
			asked <- s.Name
			if err := s.Show(w); err != nil {
				t.Errorf("%s: %v", s.Name, err)
			}
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/favicon.ico" {
			asked <- r.URL.Path
		}
		http.NotFound(w, r)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	for _, s := range samples.All(r, "") {
		if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/"+s.Name)); err != nil {
			t.Fatal(err)
		}
		// By now the script and the style have made their requests, or the browser has queued them.
		more, err := chromedp.Run(ctx, chromedp.Evaluate[int](`performance.getEntriesByType("resource").filter(e => !e.name.endsWith("/favicon.ico")).length`))
		if err != nil || more != 0 {
			t.Errorf("%s makes %d more requests (%v)", s.Name, more, err)
		}
		if got := <-asked; got != s.Name || len(asked) > 0 {
			t.Errorf("%s: asked for %s and %d more", s.Name, got, len(asked))
		}
	}
}
