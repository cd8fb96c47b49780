package session

import (
	"context"
	"errors"
	"time"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/age"
)

// touchEvery is how often at most the use of a session is written down.
const touchEvery = time.Minute

// NeedsTouch reports whether the use of a session at the given time has to be written down: it is verified, for the
// others have no idle time, and was not touched within the last minute, or within a quarter of a shorter idle time. A
// touch that lies in the future, since a clock was set back, is put right: idle time would count from there.
func (m *Manager) NeedsTouch(data *Data, now time.Time) bool {
	return data.State == gate.Verified && !age.Within(now, data.Seen, min(touchEvery, m.config.Idle/4))
}

// Touch writes down that a session is in use, if NeedsTouch still says so once the session has been read again: of many
// requests at the same moment one writes. Errors are as those of Take.
func (m *Manager) Touch(ctx context.Context, token string, now time.Time) error {
	_, err := m.update(ctx, token, func(data *Data) error {
		// The request may have begun before the one that has touched the session meanwhile: to its time that touch is
		// in the future.
		if later := m.config.Now(); later.After(now) {
			now = later
		}
		if !m.NeedsTouch(data, now) {
			return errNothing
		}
		data.Seen = now
		return nil
	})
	if errors.Is(err, errNothing) {
		return nil
	}
	return err
}
