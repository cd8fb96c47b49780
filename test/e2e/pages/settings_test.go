package pages

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"sallyport.example/sallyport/pages/samples"
)

// TestSettingsAtAGlance: each factor has one line, and this session a badge. Times are shown as how long ago, with the
// time itself in the title. Failures are red, and browsers have an icon. There is no empty space under lists, and
// actions that cannot be undone are in a section of their own.
func TestSettingsAtAGlance(t *testing.T) {
	ctx, server := browser(t), serve(t)
	for expression, want := range map[string]string{
		`[...document.querySelectorAll("[data-kind]")].map(e => e.dataset.kind + (e.dataset.factor ? " " + e.dataset.factor.length : "")).join()`:                                       "totp 32,recovery",
		`document.querySelector(".badge").innerText + " " + document.querySelectorAll(".badge:not(.wait)").length`:                                                                      "This session 1",
		`[...document.querySelectorAll("time[data-ago]")].filter(e => !/ago|yesterday|now|last/.test(e.innerText) || !/20\d\d/.test(e.title)).map(e => e.innerText).join()`:             "",
		`[...document.querySelectorAll(".failed h3")].map(e => getComputedStyle(e).color).join()`:                                                                                       "rgb(140, 29, 24),rgb(140, 29, 24),rgb(140, 29, 24)",
		`[...document.querySelectorAll("form .lines li")].filter(e => !e.querySelector("svg use")).length + ""`:                                                                         "0",
		`[...document.querySelectorAll(".card")].map(e => Math.round(e.getBoundingClientRect().bottom - e.lastElementChild.getBoundingClientRect().bottom)).filter(d => d > 25).join()`: "",
		`document.querySelector(".zone h2").innerText + "; " + document.querySelector(".zone button").innerText + "; " + document.querySelectorAll(".danger").length`:                   "Danger zone; Disable Two-Factor Authentication; 1",
	} {
		if got := seen(ctx, t, server.URL+"/en/settings-on", 1280, expression); got != want {
			t.Errorf("%s is %q, want %q", expression, got, want)
		}
	}
}

// TestSetUpLayout: on a desktop the QR code and the field are side by side, and the link to an app comes last. On a
// telephone the link and the field come first, and the QR code is folded. The key is shown in groups with gaps, but is
// copied without them.
func TestSetUpLayout(t *testing.T) {
	ctx, server := browser(t), serve(t)
	const tops = `(() => {
		const top = (name) => Math.round(document.querySelector(name).getBoundingClientRect().top);
		const qr = document.getElementById("qr").getBoundingClientRect(), field = document.getElementById("code").getBoundingClientRect();
		return [qr.height > 0, qr.right <= field.left && field.top < qr.bottom, top("#otpauth") > top("#code"), top("#otpauth") > top(".key")].join();
	})()`
	if got := seen(ctx, t, server.URL+"/en/setup", 1280, tops); got != "true,true,true,true" {
		t.Errorf("on a desktop, QR code shown, beside the field, link below the field, and below the key: %s", got)
	}
	const key = `[...document.querySelectorAll(".key span")].map(e => e.innerText).join(" ") + "; " +
		(document.querySelectorAll(".key span")[1].getBoundingClientRect().left - document.querySelectorAll(".key span")[0].getBoundingClientRect().right >= 8) + "; " +
		document.getElementById("secret").innerText`
	if got, want := seen(ctx, t, server.URL+"/en/setup", 1280, key), "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP; true; "+samples.Key; got != want {
		t.Errorf("the key is %q", got)
	}

	for _, scripts := range []bool{true, false} {
		if err := screen(ctx, 390, "light", scripts); err != nil {
			t.Fatal(err)
		}
		if _, err := chromedp.Call(ctx, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true}); err != nil {
			t.Fatal(err)
		}
		if err := chromedp.Do(ctx, chromedp.Navigate(server.URL+"/en/setup")); err != nil {
			t.Fatal(err)
		}
		order := func() string {
			got, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(() => {
				const top = (name) => document.querySelector(name).getBoundingClientRect().top;
				return [top("#otpauth") < top("#code"), top("#code") < top("summary"), document.getElementById("qr").getBoundingClientRect().height > 0].join();
			})()`))
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if got := order(); got != "true,true,false" {
			t.Errorf("scripts %v: link before the field, field before the fold, QR code shown: %s", scripts, got)
		}
		if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS("summary"), chromedp.NodeVisible)); err != nil {
			t.Fatal(err)
		}
		if got := order(); got != "true,true,true" {
			t.Errorf("scripts %v, unfolded: %s", scripts, got)
		}
	}
}
