package pages

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// TestGuardSize: the guard comes with every page of the app's; it is small in every language, and is one script.
func TestGuardSize(t *testing.T) {
	r := New(Options{})
	for _, language := range Languages() {
		for _, language := range Languages() {
			dialog, err := r.GuardDialog(GuardView{Common: Common{App: "</script>", Languages: language, Base: "/second-factor"}, Digits: 8, Remember: 30 * 24 * time.Hour})
			t.Logf("%s: %d bytes of dialog", language, len(dialog))
			if err != nil || len(dialog) > MaxGuardDialog || strings.Contains(string(dialog), "CONFIG") || strings.Contains(string(dialog), "</") {
				t.Errorf("%s: %v %d %s", language, err, len(dialog), dialog)
			}
		}
		script, err := r.Guard(GuardView{Common: Common{Languages: language, Base: "/second-factor"}, Digits: 8})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d bytes", language, len(script))
		if len(script) > MaxGuard {
			t.Errorf("%s: %d bytes", language, len(script))
		}
		if strings.Contains(string(script), "CONFIG") || strings.Contains(string(script), "</") {
			t.Errorf("%s: %s", language, script)
		}
	}
	script, err := r.Guard(GuardView{Common: Common{Base: `/a"</script><script>alert(1)//`}, Digits: 6})
	if err != nil || strings.Contains(string(script), "</script>") {
		t.Errorf("an odd base: %v %s", err, script)
	}
}

// TestGuardDialogLooksAsThePages: the operator's colour and her own tokens are the dialog's, and the app's page has no
// say in any.
func TestGuardDialogLooksAsThePages(t *testing.T) {
	own := fstest.MapFS{"style.css": {Data: []byte(":root { --edge: #123456; } body { margin: 3px; }\n@media (prefers-color-scheme: dark) { :root { --edge: #abcdef } }\n@media print { :root { --edge: #000 } }")}}
	r, err := NewThemed(Options{Brand: Brand{Name: "Wiki", Colour: "#0f6b5c", Templates: own}})
	if err != nil {
		t.Fatal(err)
	}
	dialog, err := r.GuardDialog(GuardView{Common: Common{App: "app", Base: "/second-factor"}, Digits: 6})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"--ground", "#0f6b5c", "#123456", "#abcdef", "prefers-color-scheme", `"name":"Wiki"`, `"initial":"W"`} {
		if !strings.Contains(string(dialog), want) {
			t.Errorf("no %s in %s", want, dialog)
		}
	}
	for _, not := range []string{":root", "margin: 3px", "#000 ", `"trust":`} {
		if strings.Contains(string(dialog), not) {
			t.Errorf("%s in %s", not, dialog)
		}
	}
}
