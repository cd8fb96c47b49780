package pages

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// seen opens a sample on a screen, and returns the value of the expression.
func seen(ctx context.Context, t *testing.T, address string, width int64, expression string) string {
	t.Helper()
	if err := screen(ctx, width, "light", true); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	got, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestChallengeColumn: the challenge is one column of 26 rem that begins at 12 vh. The field and the button have the
// column's width. On a telephone it fills the screen.
func TestChallengeColumn(t *testing.T) {
	ctx, server := browser(t), serve(t)
	for _, page := range []string{"challenge", "challenge-wrong", "recovery", "trust"} {
		got := seen(ctx, t, server.URL+"/en/"+page, 1280, `(() => {
			const box = (name) => document.querySelector(name).getBoundingClientRect(), card = box(".card"), top = box(".app").top;
			const field = document.getElementById("code") ? box("#code").width : 366;
			return [card.width, card.left, Math.round(top / innerHeight * 100), field, box(".main").width].join();
		})()`)
		if got != "416,432,12,366,366" {
			t.Errorf("%s: the card's width and left, the top in percent, the field, the button: %s", page, got)
		}
	}
	got := seen(ctx, t, server.URL+"/en/challenge", 390, `(() => {
		const card = document.querySelector(".card").getBoundingClientRect(), style = getComputedStyle(document.getElementById("code"));
		return [card.left, card.right, style.fontSize, style.fontVariantNumeric].join();
	})()`)
	if got != "12,378,28px,tabular-nums" {
		t.Errorf("on a telephone: %s", got)
	}
}

// TestChallengeSaysEachFactOnce: the heading is the task and also the field's label. The account is shown once, with a
// way to change it. A page says that the code is sent as soon as it is complete if, and only if, it is.
func TestChallengeSaysEachFactOnce(t *testing.T) {
	ctx, server := browser(t), serve(t)
	words := strings.Split(seen(ctx, t, server.URL+"/en/challenge", 1280, `document.body.innerText`), "\n")
	for _, want := range []string{"Enter your code", "ada", "Example Wiki", "Not you?", "Verify"} {
		count := 0
		for _, line := range words {
			count += strings.Count(line, want)
		}
		if count != 1 {
			t.Errorf("%q is said %d times in %q", want, count, words)
		}
	}
	for address, want := range map[string]string{"challenge": "true", "challenge?plain": "false"} {
		got := seen(ctx, t, server.URL+"/en/"+address, 1280, `String(document.getElementById("hint").innerText.includes("sent as soon as"))`)
		if got != want {
			t.Errorf("%s says that it sends itself: %s", address, got)
		}
	}
	if got := seen(ctx, t, server.URL+"/en/challenge", 1280, `document.getElementById("code").labels[0].closest("h1").innerText`); got != "Enter your code" {
		t.Errorf("the field is labelled %q", got)
	}
}

// TestChallengeChecks: the button shows that the code is being checked, and a code is sent once, in the digits of any
// script.
func TestChallengeChecks(t *testing.T) {
	ctx, server := browser(t), serve(t)
	for code, want := range map[string]string{
		"12345": "Verify 0", "123 456": "Checking… 1", "１２３４５６": "Checking… 1", "٣٤٥٦٧٨": "Checking… 1", "12345x": "Verify 0", "1234567": "Verify 0",
	} {
		if err := screen(ctx, 1280, "light", true); err != nil {
			t.Fatal(err)
		}
		if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/en/challenge")); err != nil {
			t.Fatal(err)
		}
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`new Promise(done => {
			let sent = 0;
			const code = document.getElementById("code"), button = document.querySelector(".main"), width = button.offsetWidth;
			addEventListener("submit", event => { if (!event.defaultPrevented) sent++; event.preventDefault(); });
			code.value = `+"`"+code+"`"+`;
			code.dispatchEvent(new Event("input", { bubbles: true }));
			setTimeout(() => done(button.innerText + " " + sent + (button.offsetWidth === width ? "" : " moved")), 400);
		})`, chromedp.EvalAwaitPromise))
		if err != nil || got != want {
			t.Errorf("%s: %q (%v), want %q", code, got, err, want)
		}
	}
}
