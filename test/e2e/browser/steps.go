package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// Selector finds an element: a CSS selector (#qr, input[name=code]), or what Labelled and Link return.
type Selector string

// Labelled finds a button by its label, as a person does. It must be the whole label; spaces around it do not count.
func Labelled(label string) Selector {
	quoted := xpathString(label)
	return Selector("//button[normalize-space()=" + quoted + "]" +
		" | //input[(@type='submit' or @type='button') and normalize-space(@value)=" + quoted + "]" +
		" | //*[@role='button' and normalize-space()=" + quoted + "]")
}

// Link finds a link by its text.
func Link(words string) Selector {
	return Selector("//a[@href and normalize-space()=" + xpathString(words) + "]")
}

// xpathString quotes text for XPath, which has no escapes.
func xpathString(text string) string {
	if !strings.Contains(text, `"`) {
		return `"` + text + `"`
	}
	parts := strings.Split(text, `"`)
	return `concat("` + strings.Join(parts, `", '"', "`) + `")`
}

// path returns the expression that finds the element.
func (s Selector) path() chromedp.JSPath {
	quoted, err := json.Marshal(string(s))
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	if strings.HasPrefix(string(s), "//") {
		return chromedp.JSPath("document.evaluate(" + string(quoted) + ", document, null, XPathResult.FIRST_ORDERED_NODE_TYPE, null).singleNodeValue")
	}
	return chromedp.JSPath("document.querySelector(" + string(quoted) + ")")
}

// Answer is the HTTP answer that a page came with, after all redirects.
type Answer struct {
	// Status is the code of the last answer.
	Status int
	// URL is the address that it came from, without a fragment.
	URL string
	// Header has the answer's headers. Several lines of one name are one value, with line breaks between them.
	Header http.Header
}

func answerOf(response *network.Response) Answer {
	answer := Answer{Status: int(response.Status), URL: response.URL, Header: http.Header{}}
	for name, value := range response.Headers {
		answer.Header.Set(name, fmt.Sprint(value))
	}
	return answer
}

// Goto opens an address and waits until the page is loaded.
func (b *Browser) Goto(address string) Answer {
	b.t.Helper()
	return answerOf(value(b, "opening "+address, chromedp.NavigateResponse(address)))
}

// Reload loads the page again.
func (b *Browser) Reload() Answer {
	b.t.Helper()
	return b.navigation("reloading the page", chromedp.Reload())
}

// Follow clicks on what leads to another page (a link, a form's button) and waits until that page is loaded. For
// anything that stays on the page use Click.
func (b *Browser) Follow(selector Selector) Answer {
	b.t.Helper()
	return b.navigation("following "+string(selector), chromedp.Click(selector.path(), chromedp.NodeVisible))
}

func (b *Browser) navigation(what string, action chromedp.Action[chromedp.Void]) Answer {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, action)
	if err == nil && response == nil {
		err = errors.New("no page came")
	}
	if err != nil {
		b.fail(what, err)
	}
	return answerOf(response)
}

// Click clicks on an element once it is visible.
func (b *Browser) Click(selector Selector) {
	b.t.Helper()
	b.do("clicking on "+string(selector), chromedp.Click(selector.path(), chromedp.NodeVisible))
}

// Fill empties a field and types the text, key by key.
func (b *Browser) Fill(selector Selector, text string) {
	b.t.Helper()
	b.WaitVisible(selector)
	// An empty text area cannot be emptied, says the protocol.
	if b.Value(selector) != "" {
		b.do("emptying "+string(selector), chromedp.Clear(selector.path(), chromedp.NodeVisible))
	}
	// The text stays out of the message: it may be a password.
	b.do("filling "+string(selector),
		chromedp.SendKeys(selector.path(), text, chromedp.NodeVisible))
}

// FillThrough is like Fill, for a field whose page sends the form by itself once enough is typed. It waits until the
// next page is loaded.
func (b *Browser) FillThrough(selector Selector, text string) Answer {
	b.t.Helper()
	b.WaitVisible(selector)
	if b.Value(selector) != "" {
		b.do("emptying "+string(selector), chromedp.Clear(selector.path(), chromedp.NodeVisible))
	}
	return b.navigation("filling "+string(selector)+" to its end", chromedp.SendKeys(selector.path(), text, chromedp.NodeVisible))
}

// Press presses a key, such as kb.Escape, where the focus is.
func (b *Browser) Press(key string) {
	b.t.Helper()
	b.do("pressing a key", chromedp.KeyEvent(key))
}

// DoubleClick clicks twice, quickly, and waits until the next page is loaded.
func (b *Browser) DoubleClick(selector Selector) Answer {
	b.t.Helper()
	return b.navigation("clicking twice on "+string(selector), chromedp.DoubleClick(selector.path(), chromedp.NodeVisible))
}

// Back goes back in the history, like the browser's button, and waits for the other page. The browser may have kept
// that page complete, in which case it is not loaded again.
func (b *Browser) Back() {
	b.t.Helper()
	b.do("marking the page", chromedp.Evaluate[chromedp.Void]("window.left = true"))
	// Use the browser and not a script in the page, which may be gone before it answers, or may have no timers.
	b.do("going back", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		history, err := chromedp.Run(ctx, chromedp.NavigationEntries())
		if err != nil {
			return err
		}
		if history.CurrentIndex < 1 {
			return errors.New("there is no previous page")
		}
		before := history.Entries[history.CurrentIndex-1]
		_, err = chromedp.Call(ctx, cdppage.NavigateToHistoryEntry, cdppage.NavigateToHistoryEntryParams{EntryID: before.ID})
		return err
	}))
	b.until("waiting for the page before", "window.left !== true && document.readyState === 'complete'")
}

// DownloadTo lets pages save files to a folder. By default a headless browser refuses that.
func (b *Browser) DownloadTo(folder string) {
	b.t.Helper()
	b.do("allowing downloads", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
			Behavior: cdpbrowser.SetDownloadBehaviorBehaviorAllow, DownloadPath: folder,
		})
		return err
	}))
}

// WaitVisible waits until the element is there and can be seen.
func (b *Browser) WaitVisible(selector Selector) {
	b.t.Helper()
	b.do("waiting for "+string(selector), chromedp.WaitVisible(selector.path()))
}

// WaitGone waits until the element is no longer in the page, or can no longer be seen.
func (b *Browser) WaitGone(selector Selector) {
	b.t.Helper()
	b.until("waiting for the end of "+string(selector), "!"+visibleExpression(selector))
}

// WaitPath waits until the address of the page, without scheme and host, is path. It is for pages that a script leaves;
// Follow waits by itself.
func (b *Browser) WaitPath(path string) {
	b.t.Helper()
	quoted, err := json.Marshal(path)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	b.until("waiting for the page "+path, "location.pathname + location.search === "+string(quoted)+" && document.readyState === 'complete'")
}

// Until waits until a condition in JavaScript holds, also while one page replaces another. what is for the failure's
// message.
func (b *Browser) Until(what, condition string) {
	b.t.Helper()
	b.until(what, "!!("+condition+")")
}

// until polls a condition. It polls from here and not by a script in the page, because pages come and go, and may have
// no scripts.
func (b *Browser) until(what, condition string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	pause := time.NewTicker(50 * time.Millisecond)
	defer pause.Stop()
	for {
		// Ignore errors: between two pages there is nothing to evaluate.
		holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool](condition))
		if err == nil && holds {
			return
		}
		select {
		case <-ctx.Done():
			b.fail(what, ctx.Err())
		case <-pause.C:
		}
	}
}

// Visible reports whether the element is there and can be seen now.
func (b *Browser) Visible(selector Selector) bool {
	b.t.Helper()
	return value(b, "looking for "+string(selector), chromedp.Evaluate[bool](visibleExpression(selector)))
}

func visibleExpression(selector Selector) string {
	return "(e => e !== null && e.checkVisibility({visibilityProperty: true}))(" + string(selector.path()) + ")"
}

// Text returns the visible text of an element, once it is visible.
func (b *Browser) Text(selector Selector) string {
	b.t.Helper()
	return strings.TrimSpace(value(b, "reading "+string(selector), chromedp.Text(selector.path(), chromedp.NodeVisible)))
}

// Value returns the value of a form's field.
func (b *Browser) Value(selector Selector) string {
	b.t.Helper()
	return value(b, "reading the field "+string(selector), chromedp.Value(selector.path()))
}

// Attribute returns an attribute of an element; "" if it has none of that name.
func (b *Browser) Attribute(selector Selector, name string) string {
	b.t.Helper()
	return value(b, "reading "+name+" of "+string(selector), chromedp.AttributeValue(selector.path(), name)).Value
}

// Page returns all visible text of the page.
func (b *Browser) Page() string {
	b.t.Helper()
	return b.Text("body")
}

// Location returns the address of the page.
func (b *Browser) Location() string {
	b.t.Helper()
	return value(b, "reading the address", chromedp.Location())
}

// Path returns the address without scheme and host: /wiki/start?do=edit.
func (b *Browser) Path() string {
	b.t.Helper()
	address, err := url.Parse(b.Location())
	if err != nil {
		b.fail("reading the address", err)
	}
	return address.RequestURI()
}

// Evaluate runs JavaScript in the page, also if the page's own scripts are off, and returns its value.
func Evaluate[T any](b *Browser, expression string) T {
	b.t.Helper()
	return value(b, "evaluating "+expression, chromedp.Evaluate[T](expression))
}

// Await is like Evaluate, for an expression that gives a promise; it returns the promise's value. The page's scripts
// must be on.
func Await[T any](b *Browser, expression string) T {
	b.t.Helper()
	return value(b, "waiting for "+expression, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Cookie is a cookie that the browser holds.
type Cookie struct {
	Name, Value, Domain, Path string
	HTTPOnly, Secure          bool
	SameSite                  string
}

// Cookies returns all cookies of the browser, of all sites, also those that scripts cannot see.
func (b *Browser) Cookies() []Cookie {
	b.t.Helper()
	all := value(b, "reading the cookies", func(ctx context.Context, _ *chromedp.Target) ([]*network.Cookie, error) {
		result, err := chromedp.Call(ctx, storage.GetCookies, storage.GetCookiesParams{})
		return result.Cookies, err
	})
	cookies := make([]Cookie, 0, len(all))
	for _, cookie := range all {
		cookies = append(cookies, Cookie{
			Name: cookie.Name, Value: cookie.Value, Domain: cookie.Domain, Path: cookie.Path,
			HTTPOnly: cookie.HTTPOnly, Secure: cookie.Secure, SameSite: string(cookie.SameSite),
		})
	}
	return cookies
}

// Hold puts cookies into the browser, like somebody who has copied them from another browser.
func (b *Browser) Hold(cookies []Cookie) {
	b.t.Helper()
	b.do("putting cookies into the browser", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		all := make([]*network.CookieParam, 0, len(cookies))
		for _, cookie := range cookies {
			all = append(all, &network.CookieParam{
				Name: cookie.Name, Value: cookie.Value, Domain: cookie.Domain, Path: cookie.Path,
				HTTPOnly: cookie.HTTPOnly, Secure: cookie.Secure, SameSite: network.CookieSameSite(cookie.SameSite),
			})
		}
		_, err := chromedp.Call(ctx, storage.SetCookies, storage.SetCookiesParams{Cookies: all})
		return err
	}))
}
