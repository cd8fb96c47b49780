package firefox

import (
	"encoding/json"
	"net/url"
	"strings"
)

// Keys that are no characters, for Press.
const (
	Tab    = "\ue004"
	Enter  = "\ue006"
	Escape = "\ue00c"
)

// quoted returns text as a JavaScript string.
func quoted(text string) string {
	made, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return string(made)
}

// element returns the expression for the first visible element that a CSS selector finds, or, with "=Words", the first
// visible button or link with that text.
func element(selector string) string {
	if words, ok := strings.CutPrefix(selector, "="); ok {
		return `[...document.querySelectorAll("button, a[href]")].find(e => e.innerText.trim() === ` + quoted(words) + ` && e.checkVisibility({visibilityProperty: true}))`
	}
	return `[...document.querySelectorAll(` + quoted(selector) + `)].find(e => e.checkVisibility({visibilityProperty: true}))`
}

// Visible reports whether the element is there and can be seen now.
func (f *Firefox) Visible(selector string) bool {
	f.t.Helper()
	return Evaluate[bool](f, "!!"+element(selector))
}

// WaitVisible waits until the element is there and can be seen.
func (f *Firefox) WaitVisible(selector string) {
	f.t.Helper()
	f.Until("waiting for "+selector, element(selector))
}

// Click clicks on an element with the pointer, once it is visible.
func (f *Firefox) Click(selector string) {
	f.t.Helper()
	f.WaitVisible(selector)
	// Move the pointer to where the element's middle is now.
	at := Evaluate[[]int](f, `(e => { e.scrollIntoView({block: "nearest", behavior: "instant"}); const b = e.getBoundingClientRect(); return [Math.round(b.x + b.width / 2), Math.round(b.y + b.height / 2)]; })(`+element(selector)+`)`)
	f.clickAt(at[0], at[1])
}

func (f *Firefox) clickAt(x, y int) {
	f.t.Helper()
	f.must("input.performActions", map[string]any{"context": f.context, "actions": []any{map[string]any{
		"type": "pointer", "id": "mouse", "parameters": map[string]any{"pointerType": "mouse"}, "actions": []any{
			map[string]any{"type": "pointerMove", "x": x, "y": y},
			map[string]any{"type": "pointerDown", "button": 0},
			map[string]any{"type": "pointerUp", "button": 0},
		},
	}}}, nil)
}

// Press presses keys one after the other, wherever the focus is.
func (f *Firefox) Press(keys string) {
	f.t.Helper()
	var actions []any
	for _, key := range keys {
		actions = append(actions, map[string]any{"type": "keyDown", "value": string(key)}, map[string]any{"type": "keyUp", "value": string(key)})
	}
	f.must("input.performActions", map[string]any{"context": f.context, "actions": []any{map[string]any{"type": "key", "id": "keys", "actions": actions}}}, nil)
}

// Fill empties a field and types the text, key by key.
func (f *Firefox) Fill(selector, text string) {
	f.t.Helper()
	f.WaitVisible(selector)
	Evaluate[bool](f, `(e => { e.focus(); e.value = ""; return true; })(`+element(selector)+`)`)
	f.Press(text)
}

// leaving does what leads to another page, and waits until that page is loaded.
func (f *Firefox) leaving(what string, act func()) {
	f.t.Helper()
	Evaluate[bool](f, "window.left = true")
	act()
	f.Until(what, "window.left !== true && location.protocol !== 'about:' && document.readyState === 'complete'")
}

// Follow clicks on what leads to another page and waits until that page is loaded.
func (f *Firefox) Follow(selector string) {
	f.t.Helper()
	f.leaving("following "+selector, func() { f.Click(selector) })
}

// FillThrough is like Fill, for a field whose page sends the form by itself once enough is typed.
func (f *Firefox) FillThrough(selector, text string) {
	f.t.Helper()
	f.leaving("filling "+selector+" to its end", func() { f.Fill(selector, text) })
}

// Text returns the visible text of an element, once it is visible.
func (f *Firefox) Text(selector string) string {
	f.t.Helper()
	f.WaitVisible(selector)
	return strings.TrimSpace(Evaluate[string](f, element(selector)+".innerText"))
}

// Page returns all visible text of the page.
func (f *Firefox) Page() string {
	f.t.Helper()
	return f.Text("body")
}

// Path returns the address of the page without scheme and host.
func (f *Firefox) Path() string {
	f.t.Helper()
	address, err := url.Parse(Evaluate[string](f, "location.href"))
	if err != nil {
		f.fail("reading the address", err)
	}
	return address.RequestURI()
}

// Prompt waits for a dialog of the page (prompt, confirm), answers it, and returns its text. An empty answer means
// Cancel.
func (f *Firefox) Prompt(answer string) string {
	f.t.Helper()
	asked := ""
	f.until("waiting for a question", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.prompts) == 0 {
			return false
		}
		asked, f.prompts = f.prompts[0], f.prompts[1:]
		return true
	})
	f.must("browsingContext.handleUserPrompt", map[string]any{"context": f.context, "accept": answer != "", "userText": answer}, nil)
	return asked
}
