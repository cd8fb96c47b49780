package storetest

import (
	"context"
	"time"

	"sallyport.example/sallyport/session"
)

// Create stores any session, and fills in App, Form and the times Created, Seen and Since if they are empty. Only tests
// do that: a gateway has to take steps.
func Create(ctx context.Context, m *session.Manager, data session.Data) (token string, err error) {
	taken, err := m.Begin(ctx, data.Host, time.Time{}, session.Raw(false, func(fresh *session.Data) error {
		*fresh = data
		return nil
	}))
	return taken.Token, err
}

// Update changes a session by any change, and returns what was stored.
func Update(ctx context.Context, m *session.Manager, token string, change func(*session.Data) error) (*session.Data, error) {
	taken, err := m.Take(ctx, token, session.Raw(false, change))
	return taken.After, err
}

// Renew is Update with a new token.
func Renew(
	ctx context.Context, m *session.Manager, token string, change func(*session.Data) error,
) (newToken string, renewed *session.Data, err error) {
	taken, err := m.Take(ctx, token, session.Raw(true, change))
	return taken.Token, taken.After, err
}
