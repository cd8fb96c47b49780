package locale

import (
	"testing"
	"time"

	"golang.org/x/text/feature/plural"
)

func TestWait(t *testing.T) {
	for _, test := range []struct {
		d    time.Duration
		want string
	}{
		{-time.Second, "Try again in 0 seconds."},
		{0, "Try again in 0 seconds."},
		{1, "Try again in 1 second."},
		{time.Second, "Try again in 1 second."},
		{time.Second + 1, "Try again in 2 seconds."},
		{90 * time.Second, "Try again in 90 seconds."},
		{91 * time.Second, "Try again in 2 minutes."},
		{90 * time.Minute, "Try again in 90 minutes."},
		{90*time.Minute + 1, "Try again in 2 hours."},
		{3 * time.Hour, "Try again in 3 hours."},
		{1<<63 - 1, "Try again in 2,562,048 hours."},
	} {
		if got, err := english(t).Wait(test.d); err != nil || got != test.want {
			t.Errorf("%v: %q %v, want %q", test.d, got, err, test.want)
		}
	}
}

// TestTimes: a point in time is written as the language does it, short and without doubt which number is the month.
func TestTimes(t *testing.T) {
	for language, want := range map[string]string{
		"en": "9 Mar 2026, 07:05 UTC", "de": "9. März 2026, 07:05 UTC", "fr": "9 mars 2026, 07:05 UTC", "es": "9 mar 2026, 07:05 UTC",
		"it": "9 mar 2026, 07:05 UTC", "pt": "9 de mar. de 2026, 07:05 UTC", "nl": "9 mrt 2026, 07:05 UTC", "pl": "9 mar 2026, 07:05 UTC",
		"ja": "2026年3月9日 07:05 UTC", "zh-Hans": "2026年3月9日 07:05 UTC", "ar": "9 مارس 2026، 07:05 UTC",
	} {
		got, err := speaking(t, language).When(time.Date(2026, time.March, 9, 8, 5, 0, 0, time.FixedZone("CET", 3600)))
		if want := `<time datetime="2026-03-09T07:05:00Z">` + want + "</time>"; err != nil || string(got) != want {
			t.Errorf("%s: %q %v, want %q", language, got, err, want)
		}
	}
	// A time of day that is told too early leads to another refusal.
	got, err := english(t).Clock(time.Date(2026, 3, 9, 7, 5, 1, 0, time.UTC))
	if want := `<time datetime="2026-03-09T07:06:00Z" data-clock>07:06 UTC</time>`; err != nil || string(got) != want {
		t.Errorf("%q %v", got, err)
	}
}

// TestHTMLMessage: arguments are escaped once and put in in one pass.
func TestHTMLMessage(t *testing.T) {
	c := &Catalogue{messages: map[string]message{"k": {text: "a & {0}, {1}"}, "n": {forms: map[plural.Form]string{plural.Other: "{0}"}}}}
	got, err := c.HTML("k", "{1}<b>", 7)
	if err != nil || got != "a &amp; <bdi>{1}&lt;b&gt;</bdi>, 7" {
		t.Errorf("%q %v", got, err)
	}
	if got, err := c.Text("k", "{1}", 7); err != nil || got != "a & {1}, 7" {
		t.Errorf("%q %v", got, err)
	}
	for _, show := range []func(string, ...any) error{
		func(key string, arguments ...any) error { _, err := c.HTML(key, arguments...); return err },
		func(key string, arguments ...any) error { _, err := c.Text(key, arguments...); return err },
	} {
		if show("missing") == nil || show("n") == nil || show("n", "7") == nil {
			t.Error("a missing message, or a number that is missing, is no error")
		}
	}
}

// TestMessage: a key and an English message of another room are translated; anything else is only made harmless.
func TestMessage(t *testing.T) {
	german := speaking(t, "de")
	for said, want := range map[string]string{
		"alert.throttled":         "Zu viele falsche Codes.",
		"The login is too large.": "Die Anmeldung ist zu groß.",
		"own\u202ewords":          "own\ufffdwords",
		"":                        "",
	} {
		if got := german.Message(said); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}
