package gateway

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// TestStreamsCutAreCounted: what is open when its session ends is counted, once; what ends by itself is not.
func TestStreamsCutAreCounted(t *testing.T) {
	watch(t, func(t *testing.T, s *watched) {
		var cut atomic.Int32
		s.gateway.site.Config.StreamCut = func() { cut.Add(1) }
		s.send(browserRequest(), func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.WriteString(w, "all of it")
			return err
		})
		open := []*request{
			s.send(browserRequest(), proxy("text/event-stream", time.Hour)), s.send(browserRequest(), proxy("application/octet-stream", time.Second)),
		}
		s.destroy()
		time.Sleep(cutWithin)
		for _, q := range open {
			if !q.isOver() {
				t.Error("it is still going on")
			}
		}
		if cut.Load() != 2 {
			t.Errorf("%d were counted, want 2", cut.Load())
		}
	})
}
