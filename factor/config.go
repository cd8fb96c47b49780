package factor

import (
	"crypto/rand"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// DefaultTimeout is how long one operation of a Service may take, all its reads, writes and retries together. A store
// has shorter limits for its single calls; this one is for a crowd, in which each has to wait for the store's
// attention.
const DefaultTimeout = 30 * time.Second

// Config is what a Service is told about its site. App and Kinds are needed; all other zero values have
// defaults.
type Config struct {
	// App scopes the users.
	App string
	// Kinds are the kinds of factors that are judged here, in the order in which they are named to people; the first
	// one is meant where nobody says which. A factor of another kind stays as it is and proves nothing, but is owed all
	// the same.
	Kinds []Kind
	// Throttle limits guessing.
	Throttle Throttle
	// Remember is how long a browser may be trusted; default 0: none is.
	Remember time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Random is the source of seeds and codes; default crypto/rand.
	Random io.Reader
	// Timeout bounds every operation; default DefaultTimeout.
	Timeout time.Duration
}

// withDefaults fills in what is left at zero.
func (c Config) withDefaults() Config {
	c.Throttle = c.Throttle.withDefaults()
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	return c
}

// Validate says what is wrong with the settings (ErrInvalid). Fields left at zero take their defaults first.
func (c Config) Validate() error {
	c = c.withDefaults()
	if c.App == "" || !utf8.ValidString(c.App) {
		return fmt.Errorf("%w: the app has no name", ErrInvalid)
	}
	if err := c.validateKinds(); err != nil {
		return err
	}
	if err := c.Throttle.Validate(); err != nil {
		return err
	}
	if c.Remember < 0 {
		return fmt.Errorf("%w: remember must be positive", ErrInvalid)
	}
	if c.Timeout < 0 {
		return fmt.Errorf("%w: timeout must be positive", ErrInvalid)
	}
	return nil
}

func (c Config) validateKinds() error {
	stands := false
	for i, kind := range c.Kinds {
		name := kind.Name()
		if _, twice := (Config{Kinds: c.Kinds[:i]}).kind(name); twice || !name.wellFormed() {
			return fmt.Errorf("%w: two kinds of factors with one name, or one without", ErrInvalid)
		}
		if err := kind.Validate(); err != nil {
			return err
		}
		stands = stands || name.standsAlone()
	}
	if !stands {
		return fmt.Errorf("%w: there is no kind of factor", ErrInvalid)
	}
	return nil
}
