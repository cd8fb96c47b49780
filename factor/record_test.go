package factor_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"sallyport/factor"
	"sallyport/factor/storetest"
)

func TestRecordValidate(t *testing.T) {
	if err := storetest.NewRecord("alice", 1).Validate(); err != nil {
		t.Fatal(err)
	}
	for name, record := range storetest.Invalid("alice") {
		if err := record.Validate(); !errors.Is(err, factor.ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
		if _, err := factor.EncodeRecord(record); !errors.Is(err, factor.ErrCorrupt) {
			t.Errorf("%s: encoded: %v", name, err)
		}
	}
	record := storetest.NewRecord("al\xffice", 1)
	if err := record.Validate(); !errors.Is(err, factor.ErrCorrupt) {
		t.Errorf("a name that JSON would change: %v", err)
	}
}

// TestP6_DamagedDocumentIsNeverNotEnrolled goes through what a store could hand out instead of a record; each must be
// ErrCorrupt and quote nothing.
func TestP6_DamagedDocumentIsNeverNotEnrolled(t *testing.T) {
	good, err := factor.EncodeRecord(storetest.NewRecord("alice", 1))
	if err != nil {
		t.Fatal(err)
	}
	change := func(from, to string) string {
		if !bytes.Contains(good, []byte(from)) {
			t.Fatalf("%s does not stand in the document", from)
		}
		return strings.Replace(string(good), from, to, 1)
	}
	documents := map[string]string{
		"nothing": "", "null": "null", "an object": "{}", "a list": "[]", "a number": "5", "a text": `"x"`, "false": "false",
		"cut off": string(good[:len(good)-1]), "two": string(good) + string(good), "text behind": string(good) + "x",
		"only the schema": `{"schema":1}`, "only a user": `{"schema":1,"user":"alice"}`,
		"null factor":     `{"schema":1,"user":"alice","totp":null}`,
		"empty factor":    `{"schema":1,"user":"alice","totp":{}}`,
		"schema 2":        change(`"schema":1`, `"schema":2`),
		"schema as text":  change(`"schema":1`, `"schema":"1"`),
		"empty seed":      change(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 20)), ""),
		"broken seed":     change(`"secret":"AQ`, `"secret":"!SEED`),
		"seed as number":  change(`"secret":"AQEBAQEBAQEBAQEBAQEBAQEBAQE="`, `"secret":31337`),
		"unknown field":   change(`"schema":1`, `"schema":1,"passkeys":[]`),
		"unknown in totp": change(`"id"`, `"x":1,"id"`),
		"time as text":    change(`"created":"2026`, `"created":"SEED`),
		"too large":       change(`"user":"alice"`, `"user":"`+strings.Repeat("a", 70_000)+`"`),
	}
	for name, document := range documents {
		record, err := factor.DecodeRecord([]byte(document))
		if !errors.Is(err, factor.ErrCorrupt) || errors.Is(err, factor.ErrNotFound) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
		if record.TOTP != nil {
			t.Errorf("%s: a record came back", name)
		}
		if err != nil && (strings.Contains(err.Error(), "SEED") || strings.Contains(err.Error(), "31337")) {
			t.Errorf("%s: the error quotes the document", name)
		}
	}
}

func FuzzDecodeRecord(f *testing.F) {
	good, err := factor.EncodeRecord(storetest.NewRecord("alice", 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"schema":1,"user":"x","totp":{"id":"a","secret":"AAAAAAAAAAAAAAAAAAAAAA==","algorithm":"SHA1","digits":6,"period":30,"step":0,"created":"2026-01-01T00:00:00Z"}}`))
	f.Add([]byte(`{"SCHEMA":1,"totp":{"secret":""}}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, document []byte) {
		record, err := factor.DecodeRecord(document)
		if err != nil {
			if !errors.Is(err, factor.ErrCorrupt) {
				t.Fatalf("%v is not ErrCorrupt", err)
			}
			return
		}
		if record.TOTP == nil || len(record.TOTP.Secret) < factor.MinSecret {
			t.Fatal("a record without a usable seed was accepted")
		}
		encoded, err := factor.EncodeRecord(record)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := factor.DecodeRecord(encoded)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if twice, err := factor.EncodeRecord(again); err != nil || !bytes.Equal(twice, encoded) {
			t.Fatalf("the round trip changes the record: %v", err)
		}
	})
}

// TestP9_SecretsAreNotPrinted prints whatever holds a secret in every way that fmt and slog know.
func TestP9_SecretsAreNotPrinted(t *testing.T) {
	seed := []byte("SEEDSEEDSEEDSEEDSEED")
	record := storetest.NewRecord("alice", 1)
	record.TOTP.Secret, record.Recovery.Hashes[0], record.Recovery.Salt = seed, seed, seed
	proposal := factor.Proposal{App: "wiki", User: "alice", Secret: seed, Parameters: factor.DefaultParameters()}
	values := []any{
		record, &record, *record.TOTP, record.TOTP, *record.Recovery, record.Recovery, proposal, &proposal,
		[]factor.Record{record},
		map[string]*factor.TOTP{"x": record.TOTP},
		struct{ P factor.Proposal }{proposal},
	}
	var out strings.Builder
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U", "%T"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		fmt.Fprintln(&out, value)
		logger.Debug("value", "value", value)
		if stringer, ok := value.(fmt.Stringer); ok {
			out.WriteString(stringer.String())
		}
		if stringer, ok := value.(fmt.GoStringer); ok {
			out.WriteString(stringer.GoString())
		}
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("value", "record", record, "totp", record.TOTP, "recovery", record.Recovery, "proposal", proposal)
	for _, secret := range []string{
		"SEED", proposal.Key(), base64.StdEncoding.EncodeToString(seed), hex.EncodeToString(seed),
		strings.ToUpper(hex.EncodeToString(seed)), "83 69 69 68", "123 105 105 104",
	} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%s was printed", secret)
		}
	}
	if encoded, err := json.Marshal(record); err != nil || !bytes.Contains(encoded, []byte(base64.StdEncoding.EncodeToString(seed))) {
		t.Errorf("JSON must hold the seed (%v): stores write it", err)
	}
}
