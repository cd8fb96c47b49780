package signin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/session"
)

// claimGuest takes the stranger's cookies out of the session for this login alone, by changing the session's token
// (P8). Requests that already carry these cookies are cut, because the app would answer them as requests of the user
// who signs in now.
//
// Some apps sign a session in under the cookie that it already has. If that cookie went out with two logins, the second
// login could make the app's session another user's after the first was accepted and its factor proved (P5). An
// attacker who holds back the end of a login's body can choose that moment. So the second of two logins goes without
// cookies.
//
// Cookies that went out with a failed login go only with another try at the same login under the same name, because the
// app's page may need them. With another name, or at the login of another kind of account, the app could put an account
// of each login into one session. A login's second step has no name.
func (x *Exchange) claimGuest(name string) (custody.Jar, error) {
	if x.Session() == nil || x.Session().Guest.Len() == 0 && x.Session().Retry == nil {
		return custody.Jar{}, nil
	}
	claimed, err := x.Claim()
	if err != nil {
		return custody.Jar{}, err
	}
	if retry := claimed.retry; claimed.Guest.Len() == 0 && retry != nil && (x.Attempt.Block.Continues || marks(retry.For, tryOf(x, name))) {
		return retry.Jar, nil
	}
	return claimed.Guest, nil
}

// Claimed is what was taken out of a session.
type Claimed struct {
	Guest custody.Jar
	retry *session.Retry
}

// Claim takes a stranger's cookies out of the session. It returns none if another request was quicker.
func (x *Exchange) Claim() (taken Claimed, err error) {
	before := x.Token
	claim, err := x.Take(session.ClaimGuest())
	// Requests that are still at the app with these cookies would act as the user who signs in now.
	x.Raising.Quiet(x.R.Context(), before, underway.OpenPatience)
	x.Carriers.Cut(before)
	if errors.Is(err, session.ErrGone) {
		x.Forget()
		return Claimed{}, nil
	}
	if err != nil {
		return Claimed{}, err
	}
	if x.Doors.Any(before) || claim.Before.Raised(x.Config.Now(), underway.MayTake) {
		// Otherwise that other request could sign somebody in with them after this login has.
		return Claimed{}, nil
	}
	return Claimed{claim.Before.Guest, claim.Before.Retry}, nil
}

// keepForRetry stores the cookies of the answer to a failed login for the next try with the same name. If the app
// cannot be asked, nobody knows whether the login failed; then nothing is kept, and the user has to open the login page
// again.
func (x *Exchange) keepForRetry(try *tried) error {
	if try.jar.Len() == 0 || x.Config.Logins.Typed {
		return nil
	}
	retry := &session.Retry{Jar: try.jar, For: newMark(tryOf(x, try.Name))}
	_, err := x.Take(session.KeepRetry(retry, try.sorted.Granted))
	return err
}

// tryOf is what two tries at one login have in common: the block that describes it, its path, and the name.
func tryOf(x *Exchange, name string) string {
	at := 0
	for at < len(x.Config.Logins.Blocks) && &x.Config.Logins.Blocks[at] != x.Attempt.Block {
		at++
	}
	return strconv.Itoa(at) + x.Path.Text + "\x00" + name
}

// newMark makes a mark by which a name can be recognised. The name itself is not stored, because it may be a password
// in the wrong field (P9).
func newMark(name string) string {
	salt := rand.Text()
	return salt + "." + digest(salt, name)
}

// marks reports whether the mark was made from this name.
func marks(mark, name string) bool {
	salt, sum, found := strings.Cut(mark, ".")
	return found && subtle.ConstantTimeCompare([]byte(sum), []byte(digest(salt, name))) == 1
}

func digest(salt, name string) string {
	sum := sha256.Sum256([]byte(salt + "\x00" + name))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
