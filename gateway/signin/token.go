package signin

import (
	"errors"
	"fmt"

	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/session"
)

// ErrTokenOfNobody is returned if the app issues a token and then says that nobody is signed in with it. The answer is
// not passed on like that of a failed login, because it contains a credential (P2).
var ErrTokenOfNobody = errors.New("the app issued a token, and says that nobody is signed in with it; look at token_header and identity")

// errTokenOfFailure is returned if the answer to a login that failed by the rules contains a credential (P2).
var errTokenOfFailure = errors.New("the answer is one of a failed login by the rules, and carries a token; look at success and failure")

// Bind notes the bearer tokens that a sign-in brought. Tokens that a script is to get wait with the rest of the answer.
func (s *SignedIn) Bind(issued []login.Token) error {
	for i, token := range issued {
		s.bonds = s.bonds.BindToken(token.Text)
		if i == 0 {
			s.token = token.Text
		}
		if token.Header == "" {
			continue
		}
		if s.Delivery.TokenHeader != "" && s.Delivery.TokenHeader != token.Header {
			return errors.New("the answer carries tokens in more than one header")
		}
		s.Delivery.TokenHeader, s.Delivery.Token = token.Header, token.Value
	}
	if len(issued) > 0 && s.Oversized {
		return fmt.Errorf("%w: a login with a token, of which %d bytes can wait for the second factor", upstream.ErrTooLarge, session.MaxDelivery)
	}
	return nil
}
