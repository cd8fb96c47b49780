package custody

import (
	"net/http"
	"testing"
	"time"
)

func TestParseDate(t *testing.T) {
	when := time.Date(2026, time.February, 3, 4, 5, 6, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"Tue, 03 Feb 2026 04:05:06 GMT":      when,
		"Tue, 03-Feb-2026 04:05:06 GMT":      when,
		"Tuesday, 03-Feb-26 04:05:06 GMT":    when,
		"Tue Feb  3 04:05:06 2026":           when,
		"3 february 26 4:5:6":                when,
		"04:05:06 2026 3 Feb":                when, // any order; 2026 is too long for a day
		"Tue, 03 Feb 2026 04:05:06 UTC+0200": when, // zones do not count
		"Tue, 03 Feb 2026 04:05:06x GMT":     when,
		"Thu, 01 Jan 1970 00:00:00 GMT":      time.Unix(0, 0).UTC(),
		"Thu, 01-Jan-70 00:00:00 GMT":        time.Unix(0, 0).UTC(),
		"Fri, 31 Dec 9999 23:59:59 GMT":      time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC),
		"Thu, 29 Feb 2024 00:00:00 GMT":      time.Date(2024, time.February, 29, 0, 0, 0, 0, time.UTC),
		"Mon, 01 Jan 1601 00:00:00 GMT":      time.Date(1601, time.January, 1, 0, 0, 0, 0, time.UTC),
		"\x80\x81 Tue, 03 Feb 2026 04:05:06": when,
		"Tue, 03 Feb 2026 04:05:06 03:03:03": when,
		"01 01 2026 Jan 01:01:01":            time.Date(2001, time.January, 1, 1, 1, 1, 0, time.UTC),
		"":                                   {},
		"0":                                  {},
		"Tue, 03 Feb 2026":                   {},
		"Tue, Feb 2026 04:05:06":             {},
		"Tue, 03 2026 04:05:06":              {},
		"Tue, 03 Feb 04:05:06":               {},
		"Tue, 30 Feb 2026 04:05:06 GMT":      {},
		"Tue, 00 Feb 2026 04:05:06 GMT":      {},
		"Tue, 32 Jan 2026 04:05:06 GMT":      {},
		"Tue, 03 Feb 1600 04:05:06 GMT":      {},
		"Tue, 03 Feb 20266 04:05:06 GMT":     {},
		"Tue, 03 Feb 2026 24:05:06 GMT":      {},
		"Tue, 03 Feb 2026 04:60:06 GMT":      {},
		"Tue, 03 Feb 2026 04:05:60 GMT":      {},
		"Tue, 03 Feb 2026 04:05 GMT":         {},
		"Tue, 03 Feb 2026 004:05:06 GMT":     {},
		"Tue, 03 anf 2026 04:05:06 GMT":      {}, // across two months' names
	} {
		got, ok := parseDate(text)
		if ok == want.IsZero() || ok && !got.Equal(want) {
			t.Errorf("%q: got %v, %v, want %v", text, got, ok, want)
		}
	}
}

// FuzzParseDate: a date that net/http accepts is read as the same date, and every date that is read can be stored.
func FuzzParseDate(f *testing.F) {
	f.Add("Tue, 03 Feb 2026 04:05:06 GMT")
	f.Add("Tuesday, 03-Feb-26 04:05:06 GMT")
	f.Add("Tue Feb  3 04:05:06 2026")
	f.Add("1 1 1 1:1:1:1")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := parseDate(text)
		if ok && !validExpiry(got) {
			t.Fatalf("%q: %v", text, got)
		}
		// RFC 9110 allows only this form to be written.
		if want, err := time.Parse(http.TimeFormat, text); err == nil && validExpiry(want) && want.Second() < 60 && len(text) == len(http.TimeFormat) {
			if !ok || !got.Equal(want) {
				t.Fatalf("%q: got %v, %v, want %v", text, got, ok, want)
			}
		}
	})
}
