package session

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"sallyport.example/sallyport/custody"
)

// ErrOverflow is returned where custody is too small for what the app set: what did not fit cannot be asked about, so
// that nothing was written.
var ErrOverflow = errors.New("custody is too small for what the app set")

// maxGranted is how many cookie names of the app's a browser may have in one session.
const maxGranted = 64

// Cookies are what an answer of the app's set.
type Cookies struct {
	// Held are the changes of held cookies.
	Held []custody.Change
	// Granted are the names of those that the browser gets.
	Granted []string
	// Host, Path and At are those of the request that was answered.
	Host, Path string
	At         time.Time
}

// into returns the jar with the changes in it, or ErrOverflow.
func (c Cookies) into(jar custody.Jar) (custody.Jar, error) {
	jar, _, err := jar.Apply(c.Held, c.Host, c.Path, c.At)
	if err != nil {
		return custody.Jar{}, fmt.Errorf("%w: %w", ErrOverflow, err)
	}
	return jar, nil
}

// orEmpty is into for what may be forgotten: an empty jar where it does not fit.
func (c Cookies) orEmpty(jar custody.Jar) custody.Jar {
	jar, err := c.into(jar)
	if err != nil {
		return custody.Jar{}
	}
	return jar
}

// granted adds names to the list of what the browser may send. The list that it is given stays as it is.
func granted(list, names []string) []string {
	list = slices.Clip(list)
	for _, name := range names {
		if len(list) < maxGranted && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}

// Knows reports whether the browser is known to have the cookies of these names.
func (d *Data) Knows(names []string) bool {
	for _, name := range names {
		if d == nil || !slices.Contains(d.Granted, name) {
			return false
		}
	}
	return true
}
