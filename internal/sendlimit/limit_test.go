package sendlimit

import (
	"slices"
	"testing"
	"time"
)

var start = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// TestDoubling: the first at once, then after 30 seconds, and twice as long each time, until the hour's limit; after an
// hour it begins anew, until the day's limit.
func TestDoubling(t *testing.T) {
	t.Parallel()
	var limits Limits
	var log *Log
	var waits []time.Duration
	now := start
	for range 22 {
		next := log.Next(limits, now)
		wait := max(0, next.Sub(now))
		waits = append(waits, wait)
		now = now.Add(wait)
		if log.Next(limits, now).After(now) {
			t.Fatalf("after the wait of %s there is another one", wait)
		}
		log = log.Add(now)
	}
	const s = time.Second
	if got := waits[:6]; !slices.Equal(got, []time.Duration{0, 30 * s, 60 * s, 120 * s, 240 * s, 3150 * s}) {
		t.Errorf("waits: %s", got)
	}
	if at := start.Add(day); now.Before(at) {
		t.Errorf("21 messages went out within a day")
	}
	if len(log.Sent) > 20 || !log.Valid() {
		t.Errorf("the log keeps %d", len(log.Sent))
	}
}

// TestLimitsHoldInEveryWindow: whatever the rhythm, no hour has more than its limit, and no day.
func TestLimitsHoldInEveryWindow(t *testing.T) {
	t.Parallel()
	limits := Limits{Delay: time.Second, Hour: 3, Day: 7}
	for _, rhythm := range []time.Duration{time.Second, 7 * time.Second, 11 * time.Minute, 59 * time.Minute, 3 * time.Hour} {
		var log *Log
		var sent []time.Time
		for now := start; now.Before(start.Add(3 * day)); now = now.Add(max(rhythm, 7*time.Second)) {
			if log.Next(limits, now).After(now) {
				continue
			}
			log = log.Add(now)
			sent = append(sent, now)
		}
		for i, first := range sent {
			count := func(d time.Duration) (n int) {
				for _, at := range sent[i:] {
					if at.Sub(first) < d {
						n++
					}
				}
				return n
			}
			if count(hour) > limits.Hour || count(day) > limits.Day {
				t.Fatalf("every %s: %d in an hour, %d in a day from %s on", rhythm, count(hour), count(day), first)
			}
		}
		if len(sent) < 14 {
			t.Errorf("every %s: only %d were sent in three days", rhythm, len(sent))
		}
	}
}

// TestGiveBack: what was not sent costs nothing but a try, of which there is an end. What may have been sent counts in
// the hour.
func TestGiveBack(t *testing.T) {
	t.Parallel()
	var log *Log
	tries := 0
	for !log.Next(Limits{}, start).After(start) {
		log = log.Add(start).GiveBack(start, false)
		if tries++; tries > 1000 {
			t.Fatal("there is no end of it")
		}
	}
	if tries != 50 || len(log.Sent) != 0 || !log.Next(Limits{}, start).Equal(start.Add(hour)) {
		t.Errorf("%d tries, %+v", tries, log)
	}
	log = nil
	for range 5 {
		if log.Next(Limits{}, start).After(start) {
			t.Fatal("the user waits for a message that may not come")
		}
		log = log.Add(start).GiveBack(start, true)
	}
	if !log.Next(Limits{}, start).Equal(start.Add(hour)) || len(log.Sent) != 5 {
		t.Errorf("five that may have been sent: %+v", log)
	}
	if log = (*Log)(nil).Add(start).GiveBack(start.Add(1), false); len(log.Sent) != 1 {
		t.Error("another message was given back")
	}
}

// TestClockSetBack: what lies in the future does not count.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	log := (*Log)(nil).Add(start)
	if next := log.Next(Limits{}, start.Add(-hour)); !next.IsZero() {
		t.Errorf("the next is at %s", next)
	}
	if log.Recent(start.Add(-hour)) || !log.Recent(start) || !log.Recent(start.Add(day-1)) || log.Recent(start.Add(day)) || (*Log)(nil).Recent(start) {
		t.Error("recent")
	}
}

// TestSettings: limits that cannot be.
func TestSettings(t *testing.T) {
	t.Parallel()
	for limits, good := range map[Limits]bool{
		{}: true, {Delay: time.Second, Hour: 100, Day: 100}: true, {Day: 2}: true, {Hour: 50}: true,
		{Delay: -1}: false, {Delay: 2 * hour}: false, {Hour: -1}: false, {Hour: 101}: false, {Day: 101}: false, {Hour: 5, Day: 4}: false,
	} {
		if err := limits.Validate(); (err == nil) != good {
			t.Errorf("%+v: %v", limits, err)
		}
	}
}
