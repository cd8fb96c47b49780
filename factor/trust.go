package factor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// SignInAndAsk is SignIn for a user who is asked next whether to trust the browser (Trust). mark stands for the factors
// that the user has now; it is not secret, and empty if Config.Remember is zero.
func (s *Service) SignInAndAsk(ctx context.Context, user string, answer Answer) (mark string, err error) {
	_, err = s.signIn(ctx, user, answer, func(record *Record, _ time.Time) {
		if s.config.Remember > 0 {
			mark = record.mark()
		}
	})
	if err != nil {
		return "", err
	}
	return mark, nil
}

// Trust trusts a browser in which, as the caller knows, a factor was proved just now. mark is the mark of the factors
// at that time. If they have changed since, which ended all trust, the error is ErrNotTrusted, and nothing is trusted.
// credential is the secret for the browser to keep.
func (s *Service) Trust(ctx context.Context, user, mark string, trust Trust) (credential string, err error) {
	if s.config.Remember <= 0 || mark == "" {
		return "", ErrNotTrusted
	}
	credential, add, err := trusting(ctx, s, user, trust)
	if err != nil {
		return "", err
	}
	err = s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists || record.mark() != mark {
			return verdict{}, ErrNotTrusted
		}
		add(&record, s.config.Now())
		return verdict{next: record}, nil
	})
	if err != nil {
		return "", err
	}
	return credential, nil
}

// trusting returns a new trusted browser's credential, and a function that adds the browser to a record.
func trusting(ctx context.Context, s *Service, user string, trust Trust) (string, func(*Record, time.Time), error) {
	id, err := s.random(idSize)
	if err != nil {
		return "", nil, err
	}
	secret, err := s.random(deviceSecretSize)
	if err != nil {
		return "", nil, err
	}
	browser := originOf(ctx).Browser
	return id + "." + secret, func(record *Record, now time.Time) {
		devices := slices.DeleteFunc(s.trusted(*record, now), trust.replaces)
		record.Devices = withDevice(devices, Device{
			ID: id, Hash: deviceHash(secret, user, browser), Key: trust.Key, Browser: browser, Created: now.UTC(), Used: now.UTC(),
		})
	}, nil
}

// mark stands for the factors of a record: another set-up, a reset and new recovery codes change it, and using the
// factors does not.
func (r Record) mark() string {
	hash := sha256.New()
	for _, f := range r.Factors {
		fmt.Fprintf(hash, "%d:%s %d:%s %d\n", len(f.Kind), f.Kind, len(f.ID), f.ID, f.Created.UnixNano())
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}
