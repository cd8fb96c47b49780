package vaultstore

import (
	"bytes"
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/recovery"
	"sallyport.example/sallyport/factor/schema1test"
	"sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/test/vault"
)

// before is a node of the previous version: its reader and writer (schema1test), with just enough on top to sign in,
// enrol and disable as that version did. It uses the engine of a present Store for its calls to Vault, which has not
// changed since. It is not a binary of that version, because its source is not in a clone without history.
type before struct {
	t     *testing.T
	store *Store
}

var errBefore = errors.New("the node of the previous version refuses")

// read returns the record; nil if there is none.
func (b before) read(key factor.Key) (*schema1test.Record, schema1test.VaultDocument, int64) {
	b.t.Helper()
	found, err := b.store.engine.read(b.t.Context(), b.store.place(key))
	if errors.Is(err, factor.ErrNotFound) {
		return nil, schema1test.VaultDocument{}, 0
	}
	if err != nil {
		b.t.Fatal(err)
	}
	d, err := schema1test.DecodeVaultDocument(key.App, key.User, found.content)
	if err != nil {
		b.t.Fatalf("the version before: %v: %s", err, found.content)
	}
	if d.Generation != generationOf(found.custom) {
		b.t.Fatalf("the previous version: generation %d, in the metadata %d", d.Generation, generationOf(found.custom))
	}
	if d.Disabled {
		return nil, d, found.number
	}
	record, err := d.Open(func(sealed string) ([]byte, error) {
		return b.store.transit.open(b.t.Context(), sealed, association("sallyport seed", key.App, key.User))
	})
	if err != nil {
		b.t.Fatalf("the version before: %v: %s", err, found.content)
	}
	return &record, d, found.number
}

// write stores a record by check-and-set.
func (b before) write(key factor.Key, record schema1test.Record, generation uint32, number int64) error {
	b.t.Helper()
	sealed := ""
	if b.store.transit != nil {
		var err error
		sealed, err = b.store.transit.seal(b.t.Context(), record.TOTP.Secret, association("sallyport seed", key.App, key.User))
		if err != nil {
			b.t.Fatal(err)
		}
	}
	d, err := schema1test.NewVaultDocument(key.App, record, generation, sealed)
	if err != nil {
		b.t.Fatal(err)
	}
	d.Write = rand.Text()
	_, err = b.store.engine.write(b.t.Context(), b.store.place(key), d, number)
	if err == nil && number == 0 {
		err = b.store.engine.describe(b.t.Context(), b.store.place(key), custom(key, generation))
	}
	return err
}

// enrol makes the record of a user with this seed, whose code of this step is used up.
func (b before) enrol(key factor.Key, seed []byte, step int64) error {
	at := time.Unix(step*30, 0).UTC()
	return b.write(key, schema1test.Record{
		Schema: 1, User: key.User,
		TOTP:     &schema1test.TOTP{ID: rand.Text(), Secret: seed, Algorithm: "SHA1", Digits: 6, Period: 30, Step: step, Created: at, Used: at},
		Activity: []schema1test.Event{{Kind: "enabled", At: at}},
	}, newGeneration(), 0)
}

// signIn judges a one-time code or, if it is longer, a recovery code.
func (b before) signIn(key factor.Key, code string, now time.Time) error {
	b.t.Helper()
	record, d, number := b.read(key)
	if record == nil {
		return errBefore
	}
	right := false
	if len(code) == 6 {
		for step := now.Unix()/30 - 1; step <= now.Unix()/30+1; step++ {
			if step > record.TOTP.Step && codeAt(b.t, record.TOTP.Secret, step) == code {
				record.TOTP.Step, record.TOTP.Used, right = step, now, true
			}
		}
	} else if s := record.Recovery; s != nil {
		sum, err := pbkdf2.Key(sha256.New, strings.ReplaceAll(code, "-", ""), s.Salt, s.Iterations, sha256.Size)
		if err != nil {
			b.t.Fatal(err)
		}
		left := slices.DeleteFunc(slices.Clone(s.Hashes), func(hash []byte) bool { return bytes.Equal(hash, sum) })
		right, s.Hashes = len(left) < len(s.Hashes), left
	}
	event := schema1test.Event{Kind: "sign-in-totp", At: now}
	if right {
		record.Throttle = schema1test.ThrottleState{}
	} else {
		record.Throttle.Failures++
		record.Throttle.LastFailure, event.Kind = now, "failure"
	}
	record.Activity = append(record.Activity, event)
	if err := b.write(key, *record, d.Generation, number); err != nil {
		return err
	}
	if !right {
		return errBefore
	}
	return nil
}

func (b before) disable(key factor.Key) {
	b.t.Helper()
	_, d, number := b.read(key)
	d.Disabled, d.Record, d.SealedSeed, d.Write = true, nil, "", rand.Text()
	if _, err := b.store.engine.write(b.t.Context(), b.store.place(key), d, number); err != nil {
		b.t.Fatal(err)
	}
	if err := b.store.engine.erase(b.t.Context(), b.store.place(key)); err != nil {
		b.t.Fatal(err)
	}
}

func codeAt(t testing.TB, seed []byte, step int64) string {
	t.Helper()
	code, err := hotp.GenerateCodeCustom(base32.StdEncoding.EncodeToString(seed), uint64(step),
		hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// TestOneVaultTwoVersions: a node of the previous version and one of this version share a Vault, as during a rolling
// upgrade. Each enrols, signs in, counts wrong codes and disables, and can use what the other one wrote. A code that
// was used on one is used up on the other (P7).
func TestOneVaultTwoVersions(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	for _, transit := range []string{"", transitKey} {
		t.Run("transit "+transit, func(t *testing.T) {
			path := newPath()
			old := before{t, newStore(t, server, Settings{Path: path, Transit: transit})}
			now := time.Date(2026, 11, 3, 12, 0, 5, 0, time.UTC)
			service := factor.NewService(newStore(t, server, Settings{Path: path, Transit: transit}), factor.Config{
				App: "wiki", Now: func() time.Time { return now },
				Kinds: []factor.Kind{totp.New("", totp.Parameters{}), recovery.New(1000)},
			})
			ctx := t.Context()
			code := func(seed []byte) string { return codeAt(t, seed, now.Unix()/30) }
			later := func() { now = now.Add(30 * time.Second) }
			signIn := func(kind factor.Method, text string) error {
				_, err := service.SignIn(ctx, "alice", factor.Answer{Kind: kind, Text: text})
				return err
			}

			// The old node enrols, both sign in, and each sees which codes the other one used.
			seed := bytes.Repeat([]byte("seed"), 5)
			check(t, "old: enrol", old.enrol(alice, seed, now.Unix()/30), nil)
			check(t, "new: the confirming code", signIn(factor.MethodTOTP, code(seed)), factor.ErrWrongCode)
			later()
			check(t, "new: code", signIn(factor.MethodTOTP, code(seed)), nil)
			check(t, "old: the code that was used on the new node", old.signIn(alice, code(seed), now), errBefore)
			later()
			check(t, "old: code", old.signIn(alice, code(seed), now), nil)
			check(t, "new: the code that was used on the old node", signIn(factor.MethodTOTP, code(seed)), factor.ErrWrongCode)
			check(t, "old: wrong code", old.signIn(alice, "000000", now), errBefore)
			if record, _, _ := old.read(alice); record.Throttle.Failures != 2 {
				t.Errorf("%d wrong codes, want those of both nodes", record.Throttle.Failures)
			}

			// The new node makes recovery codes and resets; the old one accepts only the new factors.
			codes, err := service.NewRecoveryCodes(ctx, "alice")
			check(t, "new: recovery codes", err, nil)
			check(t, "old: recovery code", old.signIn(alice, codes[3], now), nil)
			check(t, "new: the recovery code that was used on the old node", signIn(factor.MethodRecovery, codes[3]), factor.ErrWrongCode)
			check(t, "new: recovery code", signIn(factor.MethodRecovery, codes[4]), nil)
			check(t, "old: the recovery code that was used on the new node", old.signIn(alice, codes[4], now), errBefore)
			later()
			seed = enrol(t, service, now)
			check(t, "old: the confirming code of the reset", old.signIn(alice, code(seed), now), errBefore)
			later()
			check(t, "old: code of the new token", old.signIn(alice, code(seed), now), nil)

			// Each disables what the other one enrolled.
			check(t, "new: disable", service.Disable(ctx, "alice"), nil)
			if record, _, _ := old.read(alice); record != nil {
				t.Error("old: still enrolled")
			}
			seed = enrol(t, service, now)
			later()
			check(t, "old: code", old.signIn(alice, code(seed), now), nil)
			old.disable(alice)
			if status, err := service.Status(ctx, "alice"); err != nil || status.Enrolled {
				t.Errorf("new: still enrolled, %v", err)
			}
			check(t, "old: enrol again", old.enrol(alice, seed, now.Unix()/30), nil)
			later()
			check(t, "new: code", signIn(factor.MethodTOTP, code(seed)), nil)
			check(t, "new: disable", service.Disable(ctx, "alice"), nil)
		})
	}
}

// enrol sets alice's authenticator up, or replaces it, with the code of now.
func enrol(t *testing.T, service *factor.Service, now time.Time) (seed []byte) {
	t.Helper()
	ceremony, err := service.Begin(t.Context(), "alice", factor.MethodTOTP)
	if err != nil {
		t.Fatal(err)
	}
	_, err = service.Confirm(t.Context(), "alice", ceremony, factor.Answer{Text: codeAt(t, ceremony.Secret, now.Unix()/30)})
	if err != nil {
		t.Fatal(err)
	}
	return ceremony.Secret
}

func check(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

// TestTheVersionBeforeRefusesNews: for the previous version a record that only schema 2 can hold is an error, and not
// "no factor". Once the record fits schema 1 again it can use it.
func TestTheVersionBeforeRefusesNews(t *testing.T) {
	server := vault.Start(t, vault.Options{})
	newTransitKey(t, server)
	for _, transit := range []string{"", transitKey} {
		store := newStore(t, server, Settings{Path: newPath(), Transit: transit})
		version, err := store.Put(context.Background(), alice, mixed(1), 0)
		if err != nil {
			t.Fatal(err)
		}
		found, err := store.engine.read(t.Context(), store.place(alice))
		if err != nil {
			t.Fatal(err)
		}
		d, err := schema1test.DecodeVaultDocument(alice.App, alice.User, found.content)
		if err == nil {
			_, err = d.Open(func(string) ([]byte, error) { return make([]byte, 20), nil })
		}
		check(t, "news, transit "+transit, err, schema1test.ErrCorrupt)
		put(t, store, alice, 1, version)
		if record, _, _ := (before{t, store}).read(alice); record == nil || record.TOTP.Secret[0] != 1 {
			t.Error("the previous version does not accept the record in schema 1 again")
		}
	}
}
