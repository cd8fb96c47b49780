package factor_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
	"sallyport.example/sallyport/factor/totp"
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

// TestP6_DamagedDocumentIsNeverNotEnrolled tries what a store could return instead of a record; each must be
// ErrCorrupt, with an error that quotes nothing.
func TestP6_DamagedDocumentIsNeverNotEnrolled(t *testing.T) {
	good, err := factor.EncodeRecord(storetest.NewRecord("alice", 1))
	if err != nil {
		t.Fatal(err)
	}
	mixed, err := factor.EncodeRecord(storetest.NewMixed("alice", 1))
	if err != nil {
		t.Fatal(err)
	}
	replace := func(document []byte, from, to string) string {
		if !bytes.Contains(document, []byte(from)) {
			t.Fatalf("%s is not in the document", from)
		}
		return strings.Replace(string(document), from, to, 1)
	}
	change := func(from, to string) string { return replace(good, from, to) }
	changeMixed := func(from, to string) string { return replace(mixed, from, to) }
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
		"schema 3":        change(`"schema":1`, `"schema":3`),
		"mixed as 1":      changeMixed(`"schema":2`, `"schema":1`),
		"mixed and totp":  changeMixed(`"schema":2`, `"schema":2,"totp":{}`),
		"no factors":      `{"schema":2,"user":"alice"}`,
		"empty factors":   `{"schema":2,"user":"alice","factors":[]}`,
		"factors of none": `{"schema":2,"user":"alice","factors":[{}]}`,
		"null among them": `{"schema":2,"user":"alice","factors":[null]}`,
		"codes only":      `{"schema":2,"user":"alice","factors":[{"id":"recovery","kind":"recovery","created":"2026-01-01T00:00:00Z"}]}`,
		"old codes only":  replace(good, `"totp":`+between(string(good), `"totp":`, `,"recovery"`)+`,`, ""),
		"unknown in kind": changeMixed(`"id"`, `"x":1,"id"`),
		"mixed cut off":   string(mixed[:len(mixed)-1]),
		"too large":       change(`"user":"alice"`, `"user":"`+strings.Repeat("a", 70_000)+`"`),
	}
	for name, document := range documents {
		record, err := factor.DecodeRecord([]byte(document))
		if !errors.Is(err, factor.ErrCorrupt) || errors.Is(err, factor.ErrNotFound) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
		if record.Factors != nil {
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
	if good, err = factor.EncodeRecord(storetest.NewMixed("alice", 1)); err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, document []byte) {
		record, err := factor.DecodeRecord(document)
		if err != nil {
			if !errors.Is(err, factor.ErrCorrupt) {
				t.Fatalf("%v is not ErrCorrupt", err)
			}
			return
		}
		has := slices.ContainsFunc(record.Factors, func(f factor.Factor) bool { return f.Kind != factor.MethodRecovery })
		if has == (record.Waiting != nil) {
			t.Fatal("a record without a factor was accepted, or one that has a factor and is Waiting")
		}
		for _, f := range record.Factors {
			if record.Schema() == factor.Schema1 && f.Kind == factor.MethodTOTP && len(f.Secret) < totp.MinSecret {
				t.Fatal("a record without a usable seed was accepted")
			}
		}
		encoded, err := factor.EncodeRecord(record)
		if err != nil && len(document) > 30_000 {
			return // longer in another spelling
		}
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
	encodedSeed, err := json.Marshal(seed)
	if err != nil {
		t.Fatal(err)
	}
	record.Factors[0].Secret, record.Factors[1].State = seed, encodedSeed
	proposal := newCeremony()
	proposal.Secret = seed
	offer, err := newBench(t).Show(proposal)
	if err != nil {
		t.Fatal(err)
	}
	answer := factor.Answer{Text: string(seed), Asked: &proposal}
	values := []any{
		record, &record, record.Factors[0], &record.Factors[1], record.Factors, proposal, &proposal, offer, &offer, answer, &answer,
		[]factor.Record{record},
		map[string]*factor.Factor{"x": &record.Factors[0]},
		struct{ P factor.Ceremony }{proposal},
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
	slog.New(slog.NewJSONHandler(&out, nil)).Info("value", "record", record, "totp", record.Factors[0], "recovery", record.Factors[1],
		"proposal", proposal, "offer", offer, "answer", answer, "inside", []any{record, proposal, record.Factors})
	for _, secret := range []string{
		"SEED", offer.Key, base64.StdEncoding.EncodeToString(seed), hex.EncodeToString(seed),
		strings.ToUpper(hex.EncodeToString(seed)), "83 69 69 68", "123 105 105 104",
	} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%s was printed", secret)
		}
	}
	if encoded, err := json.Marshal(record); err != nil || bytes.Contains(encoded, []byte(base64.StdEncoding.EncodeToString(seed))) {
		t.Errorf("JSON that is no document holds the seed (%v)", err)
	}
	if document, err := factor.EncodeRecord(record); err != nil || !bytes.Contains(document, []byte(base64.StdEncoding.EncodeToString(seed))) {
		t.Errorf("the document must hold the seed (%v): stores write it", err)
	}
}

// between is the part of text between two others.
func between(text, from, to string) string {
	_, rest, _ := strings.Cut(text, from)
	found, _, _ := strings.Cut(rest, to)
	return found
}
