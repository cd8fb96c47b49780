package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"sallyport/e2e/site"
)

// problemDocument is what scripts get (design 5.3).
type problemDocument struct {
	Type, Title, Detail, Challenge, Login string
	Status                                int
}

// wantsProblem fails the test unless the answer is a problem document of this type, with the status that the answer has.
func wantsProblem(t testing.TB, a site.Answer, kind string) problemDocument {
	t.Helper()
	var document problemDocument
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%d with content type %q, want a problem document: %.300s", a.StatusCode, got, a.Text)
		return document
	}
	if err := json.Unmarshal([]byte(a.Text), &document); err != nil {
		t.Errorf("problem document: %v in %.300s", err, a.Text)
	}
	if document.Type != kind || document.Status != a.StatusCode || document.Title == "" || strings.Contains(a.Text, "<") {
		t.Errorf("problem document: %+v with status %d, want type %s", document, a.StatusCode, kind)
	}
	return document
}
