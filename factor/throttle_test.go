package factor

import (
	"errors"
	"testing"
	"time"
)

func TestThrottleAfter(t *testing.T) {
	now := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	standard := DefaultThrottle()
	tests := []struct {
		throttle Throttle
		failures int
		wait     time.Duration
		stopped  bool
	}{
		{standard, 0, 0, false},
		{standard, 1, 0, false},
		{standard, 4, 0, false},
		{standard, 5, 30 * time.Second, false},
		{standard, 6, time.Minute, false},
		{standard, 7, 2 * time.Minute, false},
		{standard, 11, 32 * time.Minute, false},
		{standard, 12, time.Hour, false},
		{standard, 13, time.Hour, false},
		{standard, 99, time.Hour, false},
		{standard, 100, 0, true},
		{standard, 101, 0, true},
		{Throttle{}, 5, 30 * time.Second, false},
		{Throttle{}, 100, 0, true},
		{Throttle{Free: 1, Delay: time.Second, MaxDelay: time.Second, Stop: 3}, 1, time.Second, false},
		{Throttle{Free: 1, Delay: time.Second, MaxDelay: time.Second, Stop: 3}, 2, time.Second, false},
		{Throttle{Free: 1, Delay: time.Second, MaxDelay: time.Second, Stop: 3}, 3, 0, true},
		{Throttle{Free: 1, Delay: time.Second, MaxDelay: 1<<63 - 1, Stop: 100}, 99, 1<<63 - 1, false},
		{Throttle{Free: 1, Delay: 40 * time.Second, MaxDelay: 70 * time.Second}, 2, 70 * time.Second, false},
	}
	for _, test := range tests {
		until, stopped := test.throttle.After(test.failures, now)
		want := time.Time{}
		if test.wait > 0 {
			want = now.Add(test.wait)
		}
		if !until.Equal(want) || stopped != test.stopped {
			t.Errorf("%+v after %d: %v, %v; want %v, %v", test.throttle, test.failures, until, stopped, want, test.stopped)
		}
	}
}

func TestThrottleValidate(t *testing.T) {
	for _, good := range []Throttle{
		{}, DefaultThrottle(), {Stop: 3}, {Delay: 2 * time.Hour}, {Free: 1, Delay: 1, MaxDelay: 1, Stop: 1}, {Free: 100},
	} {
		if err := good.Validate(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, bad := range []Throttle{
		{Free: -1}, {Delay: -1}, {Delay: time.Minute, MaxDelay: time.Second}, {Stop: 101}, {Stop: -1}, {Free: 10, Stop: 9}, {MaxDelay: -1},
	} {
		if err := bad.Validate(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v, want ErrInvalid", bad, err)
		}
	}
}
