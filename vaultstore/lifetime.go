package vaultstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/api"
)

const (
	// attemptEvery is the least time between the beginnings of two attempts to sign in.
	attemptEvery = 500 * time.Millisecond
	// firstBackOff and maxBackOff bound the pause after a failure.
	firstBackOff = 500 * time.Millisecond
	maxBackOff   = 30 * time.Second
)

// errClosed says that the Connection has been closed.
var errClosed = errors.New("vaultstore: the connection to Vault has been closed")

// login is a token and what is known about it.
type login struct {
	client *api.Client
	token  string
	auth   *api.Secret
	mark   credentialMark // of the credential that was used to get it

	// expires is when the token ends unless it is renewed, in Unix nanoseconds; 0 if that is not known, or never.
	expires atomic.Int64

	over  sync.Once
	ended chan struct{} // closed when another token has replaced it, or it is dead

	mutex   sync.Mutex
	inquiry *inquiry // the last one
}

// finish marks this token as no longer current.
func (l *login) finish() { l.over.Do(func() { close(l.ended) }) }

// refusal says that Vault did not accept a credential.
type refusal struct {
	err   error
	mark  credentialMark
	until time.Time // no attempt is made before then, unless the credential changes
}

// flight is one attempt to sign in.
type flight struct {
	done  chan struct{} // closed when one of the others is set
	login *login
	err   error
	mark  credentialMark // of the credential that was tried
}

// backOff returns the pause after so many consecutive failures: between half and all of 0.5 s, 1 s, 2 s … 30 s, at
// random, so that many gateways do not come back at the same moment.
func backOff(failures int) time.Duration {
	pause := maxBackOff
	if shift := max(failures, 1) - 1; shift < 8 {
		pause = min(firstBackOff<<shift, maxBackOff)
	}
	return pause/2 + rand.N(pause/2+1) //nolint:gosec // spreads load, keeps no secret
}

// await joins the login in flight and waits until it or ctx ends; see join.
func (c *Connection) await(ctx context.Context, old string, seen credentialMark) (*login, error) {
	attempt, err := c.join(old, seen)
	if err != nil {
		return nil, err
	}
	select {
	case <-attempt.done:
		return attempt.login, attempt.err
	case <-ctx.Done():
		return nil, &connectionError{"waiting to be signed in to Vault", c.address, context.Cause(ctx)}
	}
}

// join returns the attempt in flight, or begins one, to get another token than the old one (empty: any). The last
// attempt counts if it brought one after the caller had looked. While Vault's refusal of the credential stands, that is
// returned: only another credential, or time, may change Vault's answer. seen is the credential's mark, if the caller
// has just read it.
func (c *Connection) join(old string, seen credentialMark) (*flight, error) {
	if stands := c.refusal.Load(); stands != nil && time.Now().Before(stands.until) {
		if seen == (credentialMark{}) && c.mayLook() {
			seen = c.method.mark()
		}
		if seen != (credentialMark{}) && seen != stands.mark {
			c.refusal.CompareAndSwap(stands, nil)
		}
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	now, present := time.Now(), c.present.Load()
	switch stands := c.refusal.Load(); {
	case present != nil && present.token != old:
		landed := &flight{done: make(chan struct{}), login: present}
		close(landed.done)
		return landed, nil
	case c.flight != nil:
		return c.flight, nil
	case c.closed:
		return nil, errClosed
	case stands != nil && now.Before(stands.until):
		return nil, stands.err
	}
	pause := max(0, c.earliest.Sub(now))
	c.earliest = now.Add(pause + attemptEvery)
	attempt := &flight{done: make(chan struct{})}
	c.flight = attempt
	c.work.Go(func() {
		attempt.err = errClosed
		if c.rest(pause, nil) {
			attempt.mark = c.method.mark() // before the login, so that a later change of the credential is noticed
			attempt.login, attempt.err = c.signIn(attempt.mark)
		}
		c.land(attempt)
	})
	return attempt, nil
}

// signIn is one attempt, bounded by the timeout of a call.
func (c *Connection) signIn(mark credentialMark) (*login, error) {
	ctx, cancel := context.WithTimeout(c.life, c.timeout)
	defer cancel()
	secret, err := c.callLogin(ctx)
	if err == nil && (secret == nil || secret.Auth == nil) {
		err = errors.New("the answer has no token")
	}
	if err == nil {
		err = validateToken(secret.Auth.ClientToken)
	}
	if err != nil {
		return nil, &connectionError{"signing in to Vault with " + c.method.Name(), c.address, err}
	}
	token := secret.Auth.ClientToken
	made := &login{client: withToken(c.base, token), token: token, auth: secret, mark: mark, ended: make(chan struct{})}
	made.lives(secret.Auth.LeaseDuration)
	return made, nil
}

// lives notes how many seconds the token has left.
func (l *login) lives(seconds int) {
	if seconds > 0 {
		l.expires.Store(time.Now().Add(time.Duration(seconds) * time.Second).UnixNano())
	}
}

// TokenExpires returns when the present token ends unless it is renewed. It returns false if the connection has none,
// or one that does not end.
func (c *Connection) TokenExpires() (time.Time, bool) {
	present := c.present.Load()
	if present == nil {
		return time.Time{}, false
	}
	expires := present.expires.Load()
	return time.Unix(0, expires), expires != 0
}

// callLogin signs in. If there is none yet, it first makes the client that all others are copied from.
func (c *Connection) callLogin(ctx context.Context) (*api.Secret, error) {
	if c.base == nil {
		base, way, err := newBaseClient(c.address, c.namespace, c.tls, c.timeout)
		if err != nil {
			return nil, err
		}
		c.base = base
		c.way.Store(way)
	} else {
		way := c.way.Load()
		way.refresh(way.present.Load()) // a client certificate may expire while the gateway runs
	}
	return c.method.login(ctx, c.base)
}

// land publishes the result of an attempt.
func (c *Connection) land(attempt *flight) {
	var replaced *login
	var text string
	c.mutex.Lock()
	c.flight = nil
	switch err := attempt.err; {
	case err == nil:
		c.refusals = 0
		c.refusal.Store(nil)
		replaced = c.present.Swap(attempt.login)
		if attempt.login.auth.Auth.LeaseDuration > 0 && !c.closed {
			c.work.Go(func() { c.keep(attempt.login) })
		}
	case credentialRefused(err):
		c.refusals++
		c.refusal.Store(&refusal{err: err, mark: attempt.mark, until: time.Now().Add(backOff(c.refusals))})
		text = err.Error()
	default:
		text = err.Error()
	}
	first := text != c.troubled || replaced == nil && attempt.err == nil
	c.troubled = text
	c.mutex.Unlock()

	if replaced != nil {
		replaced.finish()
	}
	close(attempt.done)
	switch {
	case errors.Is(attempt.err, errClosed) || c.life.Err() != nil:
	case attempt.err != nil && first:
		c.logger.Warn("cannot sign in to Vault", "error", text)
	case attempt.err == nil && first:
		c.logger.Info("signed in to Vault", "address", c.address, "method", c.method.Name())
	}
}

// drop takes a dead token out of use.
func (c *Connection) drop(dead *login) {
	if c.present.CompareAndSwap(dead, nil) {
		dead.finish()
		c.logger.Warn("Vault does not know the token any more", "address", c.address, "method", c.method.Name())
	}
}

// keep renews a token until its life ends or it is no longer current, and then signs in again, for as long as that
// takes. The old token is used meanwhile.
func (c *Connection) keep(kept *login) {
	lease := time.Duration(kept.auth.Auth.LeaseDuration) * time.Second
	began := time.Now()
	end := began.Add(lease)
	for failures := 1; ; failures++ {
		renewed, err := c.watch(kept, time.Until(end))
		if renewed.After(end) {
			end, failures = renewed, 1
		}
		if errors.Is(err, errReplaced) {
			return
		}
		if err == nil || time.Until(end) < lease/3 {
			break
		}
		c.logger.Warn("cannot renew the token of Vault", "address", c.address, "error", plainCause(err))
		if !c.rest(backOff(failures), kept.ended) {
			return
		}
	}
	c.mutex.Lock()
	c.hurried++
	if time.Since(began) >= lease/2 {
		c.hurried = 0
	}
	var pause time.Duration
	if c.hurried > 0 { // the renewal was much shorter than the login, so logins would follow each other without a pause
		pause = backOff(c.hurried)
	}
	c.mutex.Unlock()
	for failures := 1; c.rest(pause, kept.ended); failures++ {
		attempt, err := c.join(kept.token, credentialMark{})
		if err == nil {
			<-attempt.done // it is bounded, by Close as well
			err = attempt.err
		}
		if err == nil || errors.Is(err, errClosed) {
			return
		}
		pause = backOff(failures)
	}
}

// errReplaced says that a token is no longer current, or that the Connection has been closed.
var errReplaced = errors.New("vaultstore: another token has taken its place")

// watch renews a token with the given time left. It returns nil when the end of its life is near, the error of a failed
// renewal, or errReplaced; renewed is the end of its life after the last renewal.
func (c *Connection) watch(kept *login, left time.Duration) (renewed time.Time, err error) {
	auth := *kept.auth.Auth
	auth.LeaseDuration = max(1, int(left/time.Second))
	// By default the watcher reacts to failures with renewals without a pause (vault/api 1.23 takes the end of its
	// back-off for a pause of zero). So it stops at the first failure, and keep decides what follows.
	behaviour := api.RenewBehaviorErrorOnErrors
	if !auth.Renewable {
		behaviour = api.RenewBehaviorRenewDisabled
	}
	watcher, err := kept.client.NewLifetimeWatcher(&api.LifetimeWatcherInput{
		Secret: &api.Secret{Auth: &auth}, RenewBehavior: behaviour,
	})
	if err != nil {
		return renewed, err
	}
	c.work.Go(watcher.Start)
	defer watcher.Stop()
	for {
		select {
		case <-kept.ended:
			return renewed, errReplaced
		case <-c.life.Done():
			return renewed, errReplaced
		case renewal := <-watcher.RenewCh():
			renewed = time.Now().Add(time.Duration(renewal.Secret.Auth.LeaseDuration) * time.Second)
			kept.lives(renewal.Secret.Auth.LeaseDuration)
			c.logger.Debug("renewed the token of Vault", "address", c.address)
		case err := <-watcher.DoneCh():
			return renewed, err
		}
	}
}

// rest waits. It returns false if the Connection or ended is closed first.
func (c *Connection) rest(pause time.Duration, ended <-chan struct{}) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-c.life.Done():
		return false
	case <-ended:
		return false
	case <-timer.C:
		return c.life.Err() == nil
	}
}

// begin starts a goroutine that Close waits for; it returns false after Close.
func (c *Connection) begin(work func()) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.closed {
		return false
	}
	c.work.Go(work)
	return true
}
