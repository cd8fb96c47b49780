package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// longestPause is how long at most a change waits before it is tried again.
const longestPause = 32 * time.Millisecond

// untilUnchanged repeats an attempt for as long as other processes are quicker, and no longer than a write may take.
// The pauses are short and of random length, so that two that got in each other's way do not meet again.
func untilUnchanged(ctx context.Context, attempt func() error) error {
	ctx, cancel := detach(ctx)
	defer cancel()
	for pause := time.Millisecond; ; pause = min(2*pause, longestPause) {
		err := attempt()
		if !errors.Is(err, ErrChanged) {
			return err
		}
		timer := time.NewTimer(rand.N(pause)) //nolint:gosec // a pause need not be unpredictable
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: other processes change the session faster than it can be written", ErrStore)
		}
	}
}
