package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"sallyport.example/sallyport/gate"
)

// Config are the settings of one site. A duration of zero or less means the default.
type Config struct {
	// App is the app that the sessions belong to.
	App string
	// Anonymous is the life of a stranger's session, from its beginning; default 30 minutes.
	Anonymous time.Duration
	// Pending is how long a challenge, or the set-up of a required factor, stays open; default 10 minutes.
	Pending time.Duration
	// Idle is how long a verified session lives without being used; default one hour.
	Idle time.Duration
	// Lifetime is how long a verified session lives at most; default 24 hours.
	Lifetime time.Duration
	// MaxVerified and MaxWaiting are how many verified sessions one account may have, and how many that wait for a
	// factor; zero or less means the constants of the same names.
	MaxVerified, MaxWaiting int
	// Now is the clock; default time.Now.
	Now func() time.Time
}

// Manager is one site's view of a Shared. It is cheap to make, safe for concurrent use and needs no closing.
type Manager struct {
	shared *Shared
	config Config
	lives  gate.Lives
}

// Manager makes a manager for one site. One app may have several at the same time, as during a reload.
func (s *Shared) Manager(config Config) *Manager {
	for _, setting := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&config.Anonymous, 30 * time.Minute},
		{&config.Pending, 10 * time.Minute},
		{&config.Idle, time.Hour},
		{&config.Lifetime, 24 * time.Hour},
	} {
		if *setting.value <= 0 {
			*setting.value = setting.standard
		}
	}
	if config.MaxVerified <= 0 {
		config.MaxVerified = MaxVerified
	}
	if config.MaxWaiting <= 0 {
		config.MaxWaiting = MaxWaiting
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	return &Manager{shared: s, config: config, lives: gate.Lives{
		Anonymous: config.Anonymous, Pending: config.Pending, Idle: config.Idle, Lifetime: config.Lifetime,
	}}
}

// Pending is how long a challenge stays open.
func (m *Manager) Pending() time.Duration { return m.config.Pending }

// Load returns the session of a token. It returns nil and no error if there certainly is none: the token is malformed
// or unknown, or the session has expired, belongs to another app or cannot be decoded. An error wraps ErrStore and says
// nothing about the session (P6). Load never writes. The Data is shared and must only be read: steps change a copy of
// their own.
//
// It asks the store directly, by the name that scs gives the token: scs's own Load would begin a session if there is
// none, and costs more than the rest of a request.
func (m *Manager) Load(ctx context.Context, token string) (*Data, error) {
	return m.load(ctx, token, m.shared.store.find)
}

// LoadNow is like Load but bypasses Recent. Use it for open streams.
func (m *Manager) LoadNow(ctx context.Context, token string) (*Data, error) {
	return m.load(ctx, token, m.shared.store.findNow)
}

// Remote reports whether other gateways may use the store too.
func (m *Manager) Remote() bool {
	_, remote := m.shared.store.store.(*Recent)
	return remote
}

func (m *Manager) load(ctx context.Context, token string, find func(context.Context, string) ([]byte, bool, error)) (*Data, error) {
	if !wellFormed(token) {
		return nil, nil
	}
	key := storeKey(token)
	stored, found, err := find(ctx, key)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, nil
	}
	data, deadline, err := m.shared.decoded.decode(key, stored)
	if err != nil || !m.alive(data, deadline) {
		return nil, nil //nolint:nilerr // undecodable bytes are no session
	}
	return data, nil
}

// alive reports whether a session belongs to this app and has not expired, neither by the deadline that it was stored
// with nor by the current settings.
func (m *Manager) alive(data *Data, stored time.Time) bool {
	now := m.config.Now()
	return data.App == m.config.App && now.Before(stored) && now.Before(m.deadline(data))
}

// deadline returns when a session ends unless it changes.
func (m *Manager) deadline(data *Data) time.Time {
	return m.lives.End(data.State, gate.Moments{Created: data.Created, Since: data.Since, Seen: data.Seen})
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// create stores a new session and returns its token. It sets App, Form and the times Created, Seen and Since if they
// are empty. If App is another one, it returns ErrInvalid.
func (m *Manager) create(ctx context.Context, data *Data) (token string, err error) {
	now := m.config.Now()
	if data.App == "" {
		data.App = m.config.App
	}
	if data.Form == "" {
		data.Form = rand.Text()
	}
	for _, moment := range []*time.Time{&data.Created, &data.Seen, &data.Since} {
		if moment.IsZero() {
			*moment = now
		}
	}
	if token, err = m.insert(ctx, data, new(plan)); err == nil {
		m.bound(ctx, token, data)
	}
	return token, err
}

// insert stores data under a token that scs generates.
func (m *Manager) insert(ctx context.Context, data *Data, p *plan) (token string, err error) {
	loaded, err := m.begin(ctx, "", p)
	if err != nil {
		return "", err
	}
	token, err = m.commit(loaded, data)
	if err != nil {
		return "", err
	}
	return token, nil
}

// begin has scs load a session into a context; an empty token begins a new one.
func (m *Manager) begin(ctx context.Context, token string, p *plan) (context.Context, error) {
	sessions := m.shared.sessions
	loaded, err := sessions.Load(withPlan(ctx, p), token)
	switch {
	case errors.Is(err, errUndecodable):
		return nil, ErrGone
	case err != nil:
		return nil, err
	case sessions.Token(loaded) != token:
		// The store does not know the token, and scs has begun a new session, which must not be committed in place of a
		// dead one. Or the context already had a session of scs, and scs keeps that.
		return nil, ErrGone
	}
	return loaded, nil
}

// commit has scs store data as the session in ctx.
func (m *Manager) commit(ctx context.Context, data *Data) (token string, err error) {
	if data.App != m.config.App || !data.State.Known() {
		return "", fmt.Errorf("%w: app %q, %s", ErrInvalid, data.App, data.State)
	}
	deadline := m.deadline(data)
	if !m.config.Now().Before(deadline) {
		// Some stores never delete a session that was already expired when it was written.
		return "", ErrGone
	}
	sessions := m.shared.sessions
	sessions.Put(ctx, dataKey, data)
	sessions.SetDeadline(ctx, deadline)
	token, _, err = sessions.Commit(ctx)
	return token, err
}

// update changes a session under its token's lock: change gets what is stored at that moment, and its result is stored.
// So changes to one session are made one after the other within this process. If another process was quicker, which
// only a Swapper can tell, change is called again with what that one has stored. So change must be quick, must not use
// the same token, and may be called several times; the last call counts. A browser that hangs up stops nothing.
//
// It returns ErrGone if the token is not alive, before or after change; then nothing is written. An error of change is
// returned unchanged, and nothing is written. The returned Data is what was stored.
func (m *Manager) update(ctx context.Context, token string, change func(*Data) error) (*Data, error) {
	if !wellFormed(token) {
		return nil, ErrGone
	}
	defer m.shared.locks.lock(token)()
	var updated *Data
	var p *plan
	err := untilUnchanged(ctx, func() error {
		p = new(plan)
		loaded, data, err := m.changed(ctx, token, p, change)
		if err != nil {
			return err
		}
		updated = data
		_, err = m.commit(loaded, data)
		return err
	})
	if err != nil {
		return nil, err
	}
	if p.entered {
		m.bound(ctx, token, updated)
	}
	return updated, nil
}

// renew is update with a new token: the session goes on under newToken, and token is dead from then on (P8). Of several
// renewals of one token one succeeds; the others get ErrGone, and so does an update that read the session before. The
// form token changes too, unless change has set it.
//
// If the store fails half-way, the old session stays as it was if possible, and no new one can be used.
func (m *Manager) renew(
	ctx context.Context, token string, change func(*Data) error,
) (newToken string, renewed *Data, err error) {
	if !wellFormed(token) {
		return "", nil, ErrGone
	}
	defer m.shared.locks.lock(token)()
	var p *plan
	err = untilUnchanged(ctx, func() (err error) {
		p = new(plan)
		_, renewed, err = m.changed(ctx, token, p, func(data *Data) error {
			form := data.Form
			if err := change(data); err != nil {
				return err
			}
			if data.Form == form {
				data.Form = rand.Text()
			}
			return nil
		})
		if err != nil {
			return err
		}
		if m.shared.store.swapper == nil {
			newToken, err = m.replace(ctx, token, renewed)
			return err
		}
		p.from = storeKey(token)
		newToken, err = m.insert(ctx, renewed, p)
		return err
	})
	if err != nil {
		return "", nil, err
	}
	if p.entered {
		m.bound(ctx, newToken, renewed)
	}
	return newToken, renewed, nil
}

// replace moves a session to a new token in a store that cannot do so itself; the caller holds the token's lock.
//
// It does not use scs.RenewToken, which deletes first: if the store then fails, the session is lost. Nobody has the new
// session's token before it is returned.
func (m *Manager) replace(ctx context.Context, token string, data *Data) (newToken string, err error) {
	newToken, err = m.insert(ctx, data, new(plan))
	if err != nil {
		return "", err
	}
	claimed, err := m.shared.store.claim(ctx, storeKey(token))
	if err == nil && !claimed {
		err = ErrGone // destroyed, or renewed by another process, while change was running
	}
	if err != nil {
		// If this fails too, the new session expires by itself, and nobody has its token.
		_ = m.shared.store.DeleteCtx(ctx, storeKey(newToken))
		return "", err
	}
	return newToken, nil
}

// changed loads a session anew and applies change to it; the caller holds the token's lock. The version found is stored
// in the plan.
func (m *Manager) changed(
	ctx context.Context, token string, p *plan, change func(*Data) error,
) (context.Context, *Data, error) {
	reading, cancel := detach(ctx)
	defer cancel()
	loaded, err := m.begin(reading, token, p)
	if err != nil {
		return nil, nil, err
	}
	sessions := m.shared.sessions
	data, ok := sessions.Get(loaded, dataKey).(*Data)
	if !ok || !m.alive(data, sessions.Deadline(loaded)) {
		return nil, nil, ErrGone
	}
	before, deadline := *data, earlier(sessions.Deadline(loaded), m.deadline(data))
	if err := change(data); err != nil {
		return nil, nil, err
	}
	p.entered = data.State != before.State || data.Identity != before.Identity
	now := m.config.Now()
	if !now.Before(deadline) {
		return nil, nil, ErrGone // it expired while change was running, and must not come back
	}
	if data.State != before.State {
		if data.Since.Equal(before.Since) {
			data.Since = now
		}
		if data.Seen.Before(now) {
			data.Seen = now // otherwise a session would be idle from the start after a long challenge
		}
	}
	return loaded, data, nil
}

// Destroy ends a session: the token is dead for ever, also for changes that are under way. It is no error if the token
// is not alive.
func (m *Manager) Destroy(ctx context.Context, token string) error {
	// It does not take the token's lock, so that a sign-out never waits for a slow change; the store's tombstone stops
	// that change.
	if !wellFormed(token) {
		return nil
	}
	return m.shared.store.DeleteCtx(ctx, storeKey(token))
}
