package pages

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	driver "sallyport.example/sallyport/test/e2e/browser"
)

const dialogRoot = `document.documentElement.lastElementChild.shadowRoot`

// waits polls a condition in the page.
func waits(ctx context.Context, t *testing.T, condition string) {
	t.Helper()
	do(ctx, t, `new Promise(function look(done) { let holds = false; try { holds = `+condition+`; } catch {} holds ? done("") : setTimeout(look, 10, done); })`)
}

// opened opens the app on a screen and makes it sign in, up to the dialog.
func (g *guarded) opened(ctx context.Context, t *testing.T, path string, width int64, scheme string) {
	t.Helper()
	if err := screen(ctx, width, scheme, true); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(g.URL+path)); err != nil {
		t.Fatal(err)
	}
	g.set("anonymous")
	begin(ctx, t, "result", `fetch("/api/login", {method: "POST", body: "password", headers: {"X-App": "1"}}).then(a => a.text().then(b => a.status + b))`)
	dialogIs(ctx, t, true)
}

// TestGuardDialogLooks: the dialog looks like the gateway's pages, light and dark: the logo, the account, the error
// with its icon above the field, the main button, and margins on a telephone. So does the question whether to trust the
// browser.
func TestGuardDialogLooks(t *testing.T) {
	ctx, g, folder := browser(t), newGuarded(t), artifacts(t)
	g.remember = 30 * 24 * time.Hour
	for _, width := range []int64{390, 1280} {
		for _, scheme := range []string{"light", "dark"} {
			picture := func(name string) {
				t.Helper()
				for _, v := range driver.Violations(ctx, t) {
					t.Errorf("%s: %s (%s): %s\n%s", name, v.Rule, v.Impact, v.Help, strings.Join(v.Nodes, "\n"))
				}
				png, err := driver.WholePage(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("guard-%s-%s-%d.png", name, scheme, width)), png, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			g.opened(ctx, t, "/app", width, scheme)
			picture("asks")
			typing(ctx, t, "000000")
			waits(ctx, t, dialogText+`.includes("That code is wrong.")`)
			waits(ctx, t, dialogRoot+`.querySelector(".main").innerText === "Verify"`)
			picture("wrong")
			got := do(ctx, t, `(() => {
				const root = `+dialogRoot+`, box = (name) => root.querySelector(name).getBoundingClientRect(), dialog = box("dialog");
				const colour = scheme => scheme === "dark" ? "rgb(28, 33, 38)" : "rgb(255, 255, 255)";
				return [box("#a").bottom <= box("input").top, root.querySelector("input").getAttribute("aria-invalid"), Math.min(dialog.left, innerWidth - dialog.right) >= 12,
					getComputedStyle(root.querySelector("dialog")).backgroundColor === colour("`+scheme+`"), box(".main").height >= 44, box("input").width === box(".main").width,
					root.querySelector(".chip").innerText, root.querySelector(".head").innerText.replace(/\s+/g, " ")].join();
			})()`)
			if got != "true,true,true,true,true,true,ada,E Example Wiki" {
				t.Errorf("%s %d: %s", scheme, width, got)
			}
			typing(ctx, t, "123456")
			waits(ctx, t, dialogText+`.includes("Trust this browser for 30 days?")`)
			picture("trust")
			typing(ctx, t, "\t\r") // from the question to its first answer
			if got := do(ctx, t, "result"); !strings.Contains(got, "secret") {
				t.Errorf("the app gets %s", got)
			}
			dialogIs(ctx, t, false)
			if got := strings.Join(g.requests(), "\n"); !strings.Contains(got, `"trust":"yes"`) || !strings.Contains(got, `"proof":"`) {
				t.Errorf("what was said of trust:\n%s", got)
			}
		}
	}
}

// TestGuardDialogStrict: the dialog also works in a page whose policy allows scripts by a nonce only.
func TestGuardDialogStrict(t *testing.T) {
	ctx, g := browser(t), newGuarded(t)
	g.opened(ctx, t, "/strict", 1280, "light")
	typing(ctx, t, "123456")
	if got := do(ctx, t, "result"); !strings.Contains(got, "secret") {
		t.Errorf("the app gets %s", got)
	}
}

// TestGuardDialogKeyboard: the focus goes into the dialog, stays there, and returns to where it was. Escape closes the
// dialog. The app gets no key events from it.
func TestGuardDialogKeyboard(t *testing.T) {
	ctx, g := browser(t), newGuarded(t)
	g.opened(ctx, t, "/app", 1280, "light")
	typing(ctx, t, "\x1b")
	dialogIs(ctx, t, false)
	do(ctx, t, `document.querySelector("main").append(Object.assign(document.createElement("button"), {id: "own", textContent: "own"})); own.focus(); window.heard = 0; document.addEventListener("keydown", () => heard++); "ready"`)
	g.set("anonymous")
	begin(ctx, t, "result", `fetch("/api/login", {method: "POST"}).then(a => String(a.status))`)
	dialogIs(ctx, t, true)
	seen := ""
	for range 5 {
		seen += do(ctx, t, `(() => { const at = `+dialogRoot+`.activeElement; return (at ? at.id || at.textContent : "outside") + "; "; })()`)
		typing1(ctx, t, "\t")
	}
	if seen != "c; Verify; Cancel; Use a recovery code instead; c; " {
		t.Errorf("the focus goes to %s", seen)
	}
	typing1(ctx, t, "\x1b")
	if got := do(ctx, t, `result.then(status => [status, document.activeElement.id, heard].join())`); got != "401,own,0" {
		t.Errorf("the status, the focus, the number of key events at the app: %s", got)
	}
}

// typing1 presses a key where the focus is.
func typing1(ctx context.Context, t *testing.T, keys string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.KeyEvent(keys)); err != nil {
		t.Fatal(err)
	}
}

// TestGuardAtOnce: for a synchronous call, which stops the page until it is answered, the code is asked for in a
// prompt, which stops the page too. Then the call gets the app's answer like any other. If the user cancels, it gets
// the 401.
func TestGuardAtOnce(t *testing.T) {
	ctx, g := browser(t), newGuarded(t)
	answers, said := make(chan string, 8), make(chan string, 8)
	opening := chromedp.Events(ctx, cdppage.JavascriptDialogOpening)
	go func() {
		for event, err := range opening {
			if err != nil {
				return
			}
			said <- event.Message
			answer := <-answers
			_, _ = chromedp.Call(ctx, cdppage.HandleJavaScriptDialog, cdppage.HandleJavaScriptDialogParams{Accept: answer != "", PromptText: answer})
		}
	}()
	const call = `(() => {
		const request = new XMLHttpRequest(), heard = [];
		request.onreadystatechange = () => heard.push(request.readyState);
		request.onload = () => heard.push("load " + request.status);
		request.onloadend = () => heard.push("end");
		request.open("POST", "/api/login", false);
		request.setRequestHeader("X-App", "1");
		request.send("password");
		return JSON.stringify([heard, request.status, request.responseText]);
	})()`
	for _, test := range []struct {
		codes []string
		want  string
	}{
		{[]string{"000000", "123456"}, `[[1,4,"load 200","end"],200,"{\"token\":\"secret\"}"]`},
		{[]string{""}, `[[1,4,"load 401","end"],401,`},
	} {
		if err := chromedp.Do(ctx, chromedp.Navigate(g.URL+"/app")); err != nil {
			t.Fatal(err)
		}
		g.set("anonymous")
		for _, code := range test.codes {
			answers <- code
		}
		if got := do(ctx, t, call); !strings.HasPrefix(got, test.want) {
			t.Errorf("%q: the app gets %s", test.codes, got)
		}
		for i := range test.codes {
			message := <-said
			if want := []string{"Enter your code", "That code is wrong."}[i]; !strings.HasPrefix(message, want) || !strings.Contains(message, "ada") {
				t.Errorf("it says %q", message)
			}
		}
	}
}
