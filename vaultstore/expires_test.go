package vaultstore

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/vault/api"
)

// TestTokenExpires: the token's end is known after the login and after each renewal, but not before the first login,
// and not for a token that does not end.
func TestTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := func(c *Connection) time.Duration {
			expires, ok := c.TokenExpires()
			if !ok {
				return -1
			}
			return time.Until(expires).Round(time.Second)
		}
		lease := 60
		method := &scripted{onLogin: func(_ context.Context, number int) (*api.Secret, error) {
			secret := issued(number, lease)
			secret.Auth.Renewable = lease > 0
			return secret, nil
		}}
		method.respond = func(*http.Request) (int, string) {
			return http.StatusOK, `{"auth":{"client_token":"token-1","renewable":true,"lease_duration":3600}}`
		}
		c := scriptedConnection(t, method)
		if got := left(c); got != -1 {
			t.Errorf("before the first login: %s", got)
		}
		token(t, c)
		if got := left(c); got != time.Minute && got != time.Hour { // a token is renewed right after the login
			t.Errorf("after the first login: %s", got)
		}
		time.Sleep(10 * time.Hour)
		synctest.Wait()
		if got := left(c); got < 5*time.Minute || got > time.Hour {
			t.Errorf("after a renewal: %s", got)
		}
		c.Close()

		lease = 0
		c = scriptedConnection(t, &scripted{onLogin: method.onLogin})
		token(t, c)
		if got := left(c); got != -1 {
			t.Errorf("without end: %s", got)
		}
	})
}
