package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// TestCaptureEndsInTime: a question ends when its time is over, even if the rest of the route ignores its context.
func TestCaptureEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), probeTimeout)
		defer cancel()
		release := make(chan struct{})
		began := time.Now()
		r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "/me", nil)
		_, err := captureWithin(func(w http.ResponseWriter, _ *http.Request) error {
			<-release
			_, err := io.WriteString(w, "late")
			return err
		}, r)
		if !errors.Is(err, ErrBroken) || !IsTimeout(err) || time.Since(began) != probeTimeout {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		close(release)
		answer, err := captureWithin(func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.WriteString(w, "at once")
			return err
		}, httptest.NewRequest(http.MethodGet, "/me", nil))
		if err != nil || answer.Body.String() != "at once" {
			t.Errorf("the control: %v, %v", answer, err)
		}
	})
}
