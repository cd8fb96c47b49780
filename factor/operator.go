package factor

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"strings"
	"time"
)

// Bounds of how long an operator's code is valid.
const (
	MinCodeLifetime = time.Second
	MaxCodeLifetime = 720 * time.Hour
)

const (
	// codeDigits is the length of an operator's code: 66 bits (NIST SP 800-63B-4, 3.1.2 asks for 64 at least). It has
	// digits only because it is read out over a telephone, in any language. No other code has as many digits.
	codeDigits = 20
	codeGroup  = 4
	// claimSize is the length of a claim in bytes. Its hexadecimal text fits into maxID.
	claimSize = 16
)

// Code is a code that an operator made for the user. A user without a factor needs it for the set-up; a user with one
// may give it in place of a lost factor. The record keeps a hash, which also covers the user and the app.
type Code struct {
	// Hash is the code's hash; nil once the code has been used.
	Hash []byte `json:"hash,omitempty"`
	// Claim is the hash of the claim for which the session that sets up a factor exchanged the code; nil until then.
	Claim []byte `json:"claim,omitempty"`
	// Expires is when the code ends. A claim stays valid after that.
	Expires time.Time `json:"expires"`
}

func (c *Code) valid() bool {
	one, other := c.Hash, c.Claim
	if one == nil {
		one, other = other, one
	}
	return len(one) == sha256.Size && other == nil && storable(c.Expires)
}

// until returns when the unused code ends; zero if there is none, or it has ended.
func (c *Code) until(now time.Time) time.Time {
	if c == nil || c.Hash == nil || !now.Before(c.Expires) {
		return time.Time{}
	}
	return c.Expires
}

// claimedBy reports whether this is the claim that the code was exchanged for.
func (c *Code) claimedBy(claim string) bool {
	return c != nil && claim != "" && subtle.ConstantTimeCompare(c.Claim, claimHash(claim)) == 1
}

// reset reports whether an operator has taken all factors away, and none has been set up since.
func (r Record) reset() bool { return r.Waiting != nil && !r.Waiting.Reset.IsZero() }

// OwesCode decides whether somebody's next set-up needs a code that an operator made. enrolled reports whether there is
// a factor, reset whether an operator has taken all away, and everybody whether the site asks for a code before every
// first factor (Config.EnrolmentCode). What follows the first factor needs a proof by a factor, and no code.
func OwesCode(enrolled, reset, everybody bool) bool { return !enrolled && (reset || everybody) }

// IsOperatorCode reports whether a typed text has the form of an operator's code, which no other code has.
func IsOperatorCode(typed string) bool { return len(plainOperatorCode(typed)) == codeDigits }

// plainOperatorCode returns the digits of what was typed; empty if it is no operator's code.
func plainOperatorCode(typed string) string {
	plain := PlainCode(typed)
	if len(plain) != codeDigits || strings.Trim(plain, "0123456789") != "" {
		return ""
	}
	return plain
}

// Issued is a code for an operator to hand over. It is shown once, and cannot be read again.
type Issued struct {
	// Code is in groups of four.
	Code string
	// Expires is when it ends.
	Expires time.Time
}

// String shows no secret.
func (Issued) String() string { return "factor.Issued{redacted}" }

// GoString shows no secret.
func (i Issued) GoString() string { return i.String() }

// Help has the methods for what operators do for users, and for what users do with the codes that operators made.
type Help struct{ s *Service }

// Help returns the part of the service that is about operators.
func (s *Service) Help() Help { return Help{s} }

// issue makes a code for a user.
func (h Help) issue(user string, lifetime time.Duration) (Issued, *Code, error) {
	if err := h.s.check(user); err != nil {
		return Issued{}, nil, err
	}
	if lifetime < MinCodeLifetime || lifetime > MaxCodeLifetime {
		return Issued{}, nil, fmt.Errorf("%w: a code lasts from %s to %s", ErrInvalid, MinCodeLifetime, "720h")
	}
	digits := make([]byte, 0, codeDigits)
	for len(digits) < codeDigits {
		raw := make([]byte, codeDigits)
		if _, err := io.ReadFull(h.s.config.Random, raw); err != nil {
			return Issued{}, nil, fmt.Errorf("factor: reading random bytes: %w", err)
		}
		for _, b := range raw {
			if b < 250 && len(digits) < codeDigits { // below 250 all digits are equally likely
				digits = append(digits, '0'+b%10)
			}
		}
	}
	expires := h.s.config.Now().UTC().Add(lifetime).Truncate(time.Second)
	code := string(digits)
	var groups []string
	for at := 0; at < codeDigits; at += codeGroup {
		groups = append(groups, code[at:at+codeGroup])
	}
	return Issued{Code: strings.Join(groups, "-"), Expires: expires},
		&Code{Hash: h.codeHash(user, code), Expires: expires}, nil
}

func (h Help) codeHash(user, code string) []byte {
	hash := sha256.New()
	for _, part := range []string{"sallyport operator's code", h.s.config.App, user, code} {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return hash.Sum(nil)
}

func claimHash(claim string) []byte {
	hash := sha256.Sum256([]byte("sallyport claim\x00" + claim))
	return hash[:]
}

// Reset takes all factors, recovery codes and trusted browsers away, for a user who has lost them. The account
// is not left to the password alone: its next set-up needs the code that is returned, and until then every sign-in owes
// a set-up (Status.Reset). A code that was made earlier ends. ErrNotEnrolled if there is no record.
func (h Help) Reset(ctx context.Context, user string, lifetime time.Duration) (Issued, error) {
	issued, code, err := h.issue(user, lifetime)
	if err != nil {
		return Issued{}, err
	}
	err = h.s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists && record.Waiting == nil {
			return verdict{}, ErrNotEnrolled
		}
		now := h.s.config.Now().UTC()
		waiting := Waiting{Reset: now}
		if record.Waiting != nil {
			waiting.Grace, waiting.Offered = record.Waiting.Grace, record.Waiting.Offered
		}
		next := Record{User: user, Waiting: &waiting, Code: code, Activity: record.Activity, Contact: record.Contact, Sending: record.Sending}
		next.happened(ctx, EventOperatorReset, now)
		return verdict{next: next}, nil
	})
	if err != nil {
		return Issued{}, err
	}
	return issued, nil
}

// Open makes the account as one that never had a factor: where no factor is required, a password alone opens it.
// ErrNotEnrolled if there is no record.
func (h Help) Open(ctx context.Context, user string) error {
	return h.s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		switch {
		case exists:
			return emptied(h.s, record), nil
		case record.Waiting == nil:
			return verdict{}, ErrNotEnrolled
		case record.Waiting.Grace.IsZero() && record.Waiting.Offered.IsZero():
			return emptied(h.s, record), nil
		}
		waiting := Waiting{Grace: record.Waiting.Grace, Offered: record.Waiting.Offered}
		return verdict{next: Record{User: user, Waiting: &waiting, Sending: record.Sending}}, nil
	})
}

// MakeCode makes a code for a user: an enrolment code if the user has no factor, even without a record; otherwise a
// code in place of a lost factor. A code that was made earlier ends, and so does a set-up that was begun with it.
func (h Help) MakeCode(ctx context.Context, user string, lifetime time.Duration) (Issued, error) {
	issued, code, err := h.issue(user, lifetime)
	if err != nil {
		return Issued{}, err
	}
	err = h.s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists && record.Waiting == nil {
			record = Record{User: user, Waiting: new(Waiting)}
		}
		record.Code = code
		record.happened(ctx, EventOperatorCode, h.s.config.Now().UTC())
		return verdict{next: record}, nil
	})
	if err != nil {
		return Issued{}, err
	}
	return issued, nil
}

// Unblock resets the count of wrong codes, which ends a wait or a stop. ErrNotEnrolled if there is no record.
func (h Help) Unblock(ctx context.Context, user string) error {
	return h.note(ctx, user, EventOperatorUnlock, func(record *Record) { record.Throttle = ThrottleState{} })
}

// NoteSignOut notes in the activity that an operator has ended the user's sessions. ErrNotEnrolled if there is no
// record.
func (h Help) NoteSignOut(ctx context.Context, user string) error {
	return h.note(ctx, user, EventOperatorSignOut, func(*Record) {})
}

// note makes a change on an operator's behalf. It leaves out a record that only says when a grace began or that a
// factor was offered: such a record has no throttle and no activity.
func (h Help) note(ctx context.Context, user string, event EventKind, act func(*Record)) error {
	return h.s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		switch {
		case exists || record.reset() || record.Code != nil:
			act(&record)
			record.happened(ctx, event, h.s.config.Now().UTC())
			return verdict{next: record}, nil
		case record.Waiting != nil:
			return verdict{keep: true}, nil
		}
		return verdict{}, ErrNotEnrolled
	})
}

// Claim exchanges an enrolment code for a claim, and uses the code up. A set-up whose Ceremony has the claim can be
// confirmed (Confirm) until another code is made. Wrong codes are counted like any others, and errors are like those of
// Service.SignIn; ErrAlreadyEnrolled if the user has a factor. The claim is empty if no code is owed.
func (h Help) Claim(ctx context.Context, user, typed string) (claim string, err error) {
	if claim, err = h.s.random(claimSize); err != nil {
		return "", err
	}
	err = h.s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		switch {
		case exists:
			return verdict{}, ErrAlreadyEnrolled
		case !OwesCode(exists, record.reset(), h.s.config.EnrolmentCode):
			claim = ""
			return verdict{keep: true}, nil
		}
		record = counting(record, user)
		return judged(ctx, h.s, record, attempt{}, func(record *Record, now time.Time) (bool, error) {
			right := h.fits(record, user, typed, now)
			if right {
				record.Code = &Code{Claim: claimHash(claim), Expires: record.Code.Expires}
			}
			return right, nil
		})
	})
	if err != nil {
		return "", err
	}
	return claim, nil
}

// SignIn judges a code that an operator made in place of a lost factor, and uses it up. Errors are like those
// of Service.SignIn.
func (h Help) SignIn(ctx context.Context, user, typed string) error {
	return h.s.attempt(ctx, user, attempt{event: EventOperatorCodeUsed}, func(record *Record, now time.Time) (bool, error) {
		right := h.fits(record, user, typed, now)
		if right {
			record.Code = nil
		}
		return right, nil
	})
}

// fits reports whether the typed code is the record's, and still valid.
func (h Help) fits(record *Record, user, typed string, now time.Time) bool {
	code := plainOperatorCode(typed)
	hash := h.codeHash(user, code)
	return code != "" && !record.Code.until(now).IsZero() && subtle.ConstantTimeCompare(record.Code.Hash, hash) == 1
}
