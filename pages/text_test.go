package pages

import "testing"

// TestText: clients that get no page are told the same as those that do.
func TestText(t *testing.T) {
	r := New(Options{})
	if got := r.Text("", AlertThrottled); got != "Too many wrong codes." {
		t.Errorf("%q", got)
	}
	if got := r.Text("de", "own words"); got != "own words" {
		t.Errorf("%q", got)
	}
	for _, test := range []struct {
		view            ErrorView
		title, happened string
	}{
		{ErrorView{Kind: ErrorTooLarge}, "Too much data", "What your browser sent is larger than is accepted here."},
		{ErrorView{}, "Something went wrong", "The sign-in gateway met an error that it did not expect."},
		{ErrorView{Kind: ErrorRequest, Title: "No name", Happened: "None was sent."}, "No name", "None was sent."},
	} {
		if title, happened := r.ErrorText(test.view); title != test.title || happened != test.happened {
			t.Errorf("%q %q", title, happened)
		}
	}
}
