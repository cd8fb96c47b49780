package operator

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/session"
)

// App is one app whose users may be helped.
type App struct {
	// Name is what configurations call it.
	Name string
	// Factors and Sessions are those of the app's site.
	Factors  *factor.Service
	Sessions *session.Manager
	// Events hears of what operators do.
	Events event.Sink
	// Throttle is when codes are judged no more.
	Throttle factor.Throttle
}

// Service does what operators ask for. Safe for concurrent use.
type Service struct {
	// Find returns the app of that name; ok is false if there is none that may be acted on.
	Find func(name string) (app App, ok bool)
	// Lister lists records; nil where the store cannot.
	Lister factor.Lister
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// User is a line of a list.
type User struct {
	App, User string
	State     State
	// Factors are the kinds of the user's factors.
	Factors []factor.Method
}

// Query says who is listed.
type Query struct {
	// State is how they stand; empty: anyhow. Prefix is what their names begin with.
	State  State
	Prefix string
	// Cursor is from the page before; empty for the first one. Limit is how many there may be on the page, at most
	// factor.MaxPage, which is also the default.
	Cursor string
	Limit  int
}

// Page is a part of a list. It may have room left and be followed by others: Cursor is empty at the end only.
type Page struct {
	Users  []User
	Cursor string
	// Unreadable is how many records were passed over because they are damaged.
	Unreadable int
}

func (s *Service) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// find returns the app, and checks the user's name.
func (s *Service) find(name, user string) (App, error) {
	app, ok := s.Find(name)
	switch {
	case !ok:
		return App{}, ErrNoApp
	case user == "" || !utf8.ValidString(user):
		return App{}, ErrNoUser
	}
	return app, nil
}

// List returns a page of an app's users. One call looks at a bounded number of records.
func (s *Service) List(ctx context.Context, name string, query Query) (Page, error) {
	app, ok := s.Find(name)
	if !ok {
		return Page{}, ErrNoApp
	}
	after, err := base64.RawURLEncoding.DecodeString(query.Cursor)
	if err != nil {
		return Page{}, fmt.Errorf("%w: cursor: want the one of the page before", ErrInvalid)
	}
	if s.Lister == nil {
		return Page{}, fmt.Errorf("%w: the store of second factors cannot list", factor.ErrUnavailable)
	}
	now := s.now()
	asked := factor.Query{App: app.Name, Prefix: query.Prefix, After: string(after), Limit: query.Limit}
	if query.State != "" {
		asked.Keep = func(listed factor.Listed) bool { return stateOf(listed, app.Throttle, now) == query.State }
	}
	found, err := s.Lister.List(ctx, asked)
	if err != nil {
		return Page{}, err
	}
	page := Page{Cursor: base64.RawURLEncoding.EncodeToString([]byte(found.Next)), Unreadable: found.Unreadable}
	for _, listed := range found.Users {
		page.Users = append(page.Users, User{
			App: app.Name, User: listed.User, State: stateOf(listed, app.Throttle, now), Factors: listed.Factors,
		})
	}
	return page, nil
}

// stateOf is how an account in a list stands.
func stateOf(listed factor.Listed, throttle factor.Throttle, now time.Time) State {
	_, stopped := throttle.After(listed.Throttle.Failures, now)
	return state(stopped, now.Before(listed.Throttle.BlockedUntil), !listed.Waiting)
}

func state(stopped, throttled, enrolled bool) State {
	switch {
	case stopped:
		return Stopped
	case throttled:
		return Throttled
	case enrolled:
		return Enrolled
	}
	return Waiting
}

// Account is all that operators see of a user.
type Account struct {
	App, User string
	State     State
	// Status is what the record says; Sessions are those open now, at most session.MaxSummaries.
	Status   factor.Status
	Sessions []session.Summary
}

// Show returns what is known of a user. ErrNoUser if there is neither a record nor a session.
func (s *Service) Show(ctx context.Context, name, user string) (Account, error) {
	app, err := s.find(name, user)
	if err != nil {
		return Account{}, err
	}
	status, err := app.Factors.Status(ctx, user)
	if err != nil {
		return Account{}, err
	}
	sessions, err := app.Sessions.List(ctx, user, "")
	if err != nil {
		return Account{}, err
	}
	if !status.Known && len(sessions) == 0 {
		return Account{}, ErrNoUser
	}
	return Account{
		App: app.Name, User: user, State: state(status.Stopped, !status.BlockedUntil.IsZero(), status.Enrolled),
		Status: status, Sessions: sessions,
	}, nil
}

// Reset takes all factors, trusted browsers and sessions of a user away. The next set-up asks for the code that is
// returned; until then a password alone opens nothing.
func (s *Service) Reset(ctx context.Context, name, user string, act Act) (factor.Issued, error) {
	var issued factor.Issued
	err := s.reset(ctx, name, user, act, func(ctx context.Context, app App, act Act) (err error) {
		issued, err = app.Factors.Help().Reset(ctx, user, act.For)
		return err
	})
	return issued, err
}

// Open takes all factors, trusted browsers and sessions of a user away, and makes the account one that never had a
// factor: where none is required, a password alone opens it.
func (s *Service) Open(ctx context.Context, name, user string, act Act) error {
	return s.reset(ctx, name, user, act, func(ctx context.Context, app App, _ Act) error {
		return app.Factors.Help().Open(ctx, user)
	})
}

// reset asks the store of sessions first, so that nothing is done where the second half could not be.
func (s *Service) reset(ctx context.Context, name, user string, act Act, do func(context.Context, App, Act) error) error {
	app, act, err := s.begin(name, user, act)
	if err != nil {
		return err
	}
	if _, err := app.Sessions.List(ctx, user, ""); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if status, err := app.Factors.Status(ctx, user); err == nil {
		// The record, which says how the user can be reached, may be gone afterwards.
		ctx = event.WithPerson(ctx, event.Person{Mail: status.Contact.Mail, Language: status.Contact.Language})
	}
	if err := do(ctx, app, act); err != nil {
		return unknown(err)
	}
	s.tell(ctx, app, event.OperatorReset, user, act)
	if err := app.Sessions.DestroyOthers(ctx, user, ""); err != nil {
		return fmt.Errorf("%w: %w", ErrSessionsLeft, err)
	}
	return nil
}

// Unlock has codes of the user be judged again at once.
func (s *Service) Unlock(ctx context.Context, name, user string, act Act) error {
	app, act, err := s.begin(name, user, act)
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if err := app.Factors.Help().Unblock(ctx, user); err != nil {
		return unknown(err)
	}
	s.tell(ctx, app, event.Unlocked, user, act)
	return nil
}

// SignOut ends all sessions of a user.
func (s *Service) SignOut(ctx context.Context, name, user string, act Act) error {
	app, act, err := s.begin(name, user, act)
	if err != nil {
		return err
	}
	if _, err := s.Show(ctx, name, user); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	if err := app.Sessions.DestroyOthers(ctx, user, ""); err != nil {
		return err
	}
	s.tell(ctx, app, event.SignedOut, user, act)
	// The sessions have ended, whatever becomes of the note.
	if err := app.Factors.Help().NoteSignOut(ctx, user); err != nil && !errors.Is(err, factor.ErrNotEnrolled) {
		return fmt.Errorf("the sessions have ended, but the user's activity does not say so: %w", err)
	}
	return nil
}

// Code makes a code: for the set-up of somebody without a factor, of whom nothing needs to be known yet, and in
// place of a lost factor for everybody else.
func (s *Service) Code(ctx context.Context, name, user string, act Act) (factor.Issued, error) {
	app, act, err := s.begin(name, user, act)
	if err != nil {
		return factor.Issued{}, err
	}
	ctx = context.WithoutCancel(ctx)
	issued, err := app.Factors.Help().MakeCode(ctx, user, act.For)
	if err != nil {
		return factor.Issued{}, err
	}
	s.tell(ctx, app, event.OperatorCode, user, act)
	return issued, nil
}

// begin checks all that can be before anything is done.
func (s *Service) begin(name, user string, act Act) (App, Act, error) {
	app, err := s.find(name, user)
	if err != nil {
		return App{}, Act{}, err
	}
	act, err = act.checked()
	return app, act, err
}

// unknown turns the error of package factor for somebody without a record into the one of this package.
func unknown(err error) error {
	if errors.Is(err, factor.ErrNotEnrolled) {
		return ErrNoUser
	}
	return err
}

// tell tells of what an operator did, once, after the write that makes it true (P7).
func (s *Service) tell(ctx context.Context, app App, what event.Name, user string, act Act) {
	app.Events.Emit(ctx, event.Event{
		Name: what, App: app.Name, At: s.now(), User: user, Actor: event.ByOperator(act.Operator), Outcome: what.Outcome(),
		Reason: act.Reason, Client: act.Client, All: what == event.SignedOut,
	})
}
