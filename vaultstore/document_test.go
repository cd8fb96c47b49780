package vaultstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/storetest"
)

var alice = factor.Key{App: "wiki", User: "alice"}

func encoded(t testing.TB, d document) []byte {
	t.Helper()
	content, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// never fails the test if a secret is opened.
func never(t testing.TB) func(map[string]string) (map[string][]byte, error) {
	return func(map[string]string) (map[string][]byte, error) {
		t.Error("a seed was opened")
		return nil, errors.New("not expected")
	}
}

// TestDocument: a record of either schema comes back unchanged, with its secrets in it or sealed beside it.
func TestDocument(t *testing.T) {
	for _, record := range []factor.Record{storetest.NewRecord("alice", 7), storetest.NewMixed("alice", 7)} {
		want, err := factor.EncodeRecord(record)
		if err != nil {
			t.Fatal(err)
		}
		sealed := make(map[string]string)
		for id := range sealable(record) {
			sealed[id] = "vault:v1:" + id
		}
		for _, sealed := range []map[string]string{nil, sealed} {
			d, err := newDocument(alice, record, 3, sealed)
			if err != nil {
				t.Fatal(err)
			}
			content := encoded(t, d)
			for _, secret := range []string{"BwcHBwcHBwc", "DAwMDAwMDAw", "DQ0NDQ0NDQ0", storetest.Address} {
				if sealed != nil && bytes.Contains(content, []byte(secret)) {
					t.Error("a secret is in a document with sealed ones")
				}
			}
			d, err = decodeDocument(alice, content)
			if err != nil || d.Generation != 3 || d.Schema != record.Schema() {
				t.Fatalf("decoding: %v", err)
			}
			open := never(t)
			if sealed != nil {
				open = func(texts map[string]string) (map[string][]byte, error) {
					if !maps.Equal(texts, sealed) {
						t.Errorf("to be opened: %q", texts)
					}
					return sealable(record), nil
				}
			}
			got, err := d.record(open)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := factor.EncodeRecord(got); err != nil || !bytes.Equal(again, want) {
				t.Errorf("sealed %v: another record came back (%v)", sealed, err)
			}
		}
		if record.Factors[0].Secret == nil {
			t.Error("the caller's record lost its seed")
		}
	}
}

// TestP6_DocumentsThatAreNone: anything but a complete document of this user is factor.ErrCorrupt: never a record, and
// never "not enrolled".
func TestP6_DocumentsThatAreNone(t *testing.T) {
	good, err := newDocument(alice, storetest.NewRecord("alice", 7), 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	documents := map[string]string{
		"nothing": "", "null": "null", "empty": "{}", "a list": "[]", "a text": `"x"`, "a number": "1", "cut": string(encoded(t, good))[:100],
		"two documents": string(encoded(t, good)) + "{}", "an unknown field": strings.Replace(string(encoded(t, good)), `{"schema"`, `{"extra":1,"schema"`, 1),
	}
	for name, spoil := range map[string]func(*document){
		"a future schema":       func(d *document) { d.Schema = documentSchema2 + 1 },
		"another app":           func(d *document) { d.App = "git" },
		"another user":          func(d *document) { d.User = "bob" },
		"no generation":         func(d *document) { d.Generation = 0 },
		"no record":             func(d *document) { d.Record = nil },
		"disabled with one":     func(d *document) { d.Disabled = true },
		"disabled with a seed":  func(d *document) { d.Disabled, d.Record, d.SealedSeed = true, nil, "vault:v1:x" },
		"an empty record":       func(d *document) { d.Record = json.RawMessage(`{}`) },
		"a null record":         func(d *document) { d.Record = json.RawMessage(`null`) },
		"another user's record": func(d *document) { d.Record = recordOf(t, "bob") },
		"two seeds":             func(d *document) { d.SealedSeed = "vault:v1:x" },
		"a list of seeds":       func(d *document) { d.Sealed = map[string]string{"enrolment-7": "vault:v1:x"} },
		"a seed of schema 2":    func(d *document) { d.Schema, d.SealedSeed = documentSchema2, "vault:v1:x" },
		"seeds of nobody": func(d *document) {
			d.Schema, d.Sealed = documentSchema2, map[string]string{"enrolment-8": "vault:v1:x"}
		},
		"seeds twice": func(d *document) {
			d.Schema, d.Sealed = documentSchema2, map[string]string{"enrolment-7": "vault:v1:x"}
		},
		"an address of schema 1": func(d *document) { d.SealedMail = "vault:v1:x" },
		"an address of nobody":   func(d *document) { d.Schema, d.SealedMail = documentSchema2, "vault:v1:x" },
		"addresses twice": func(d *document) {
			d.Schema, d.SealedMail = documentSchema2, "vault:v1:x"
			d.Record, _ = factor.EncodeRecord(storetest.NewMixed("alice", 7))
		},
		"disabled with an address": func(d *document) {
			d.Schema, d.Disabled, d.Record, d.SealedMail = documentSchema2, true, nil, "vault:v1:x"
		},
		"no address": func(d *document) {
			d.Schema = documentSchema2
			d.Record, _ = factor.EncodeBare(factor.Record{
				User: "alice", Waiting: &factor.Waiting{Reset: time.Unix(1, 0)}, Contact: &factor.Contact{Mail: storetest.Address},
			})
		},
		"disabled with seeds": func(d *document) {
			d.Schema, d.Disabled, d.Record, d.Sealed = documentSchema2, true, nil, map[string]string{"enrolment-7": "vault:v1:x"}
		},
	} {
		spoilt := good
		spoil(&spoilt)
		documents[name] = string(encoded(t, spoilt))
	}
	for seed, secret := range map[string]string{"an empty seed": `""`, "no seed": `null`, "a short seed": `"AAAA"`} {
		spoilt := good
		var record map[string]any
		if err := json.Unmarshal(good.Record, &record); err != nil {
			t.Fatal(err)
		}
		record["totp"].(map[string]any)["secret"] = json.RawMessage(secret)
		spoilt.Record, _ = json.Marshal(record)
		documents[seed] = string(encoded(t, spoilt))
	}
	for name, content := range documents {
		d, err := decodeDocument(alice, []byte(content))
		if err == nil {
			_, err = d.record(never(t))
		}
		if !errors.Is(err, factor.ErrCorrupt) || errors.Is(err, factor.ErrNotFound) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
	}
	sealed, err := newDocument(alice, storetest.NewRecord("alice", 7), 3, map[string]string{"enrolment-7": "vault:v1:x"})
	if err != nil {
		t.Fatal(err)
	}
	for name, opened := range map[string][]byte{"nothing": nil, "a short seed": make([]byte, 15), "a huge one": make([]byte, 1<<16)} {
		if _, err := sealed.record(opens(opened)); !errors.Is(err, factor.ErrCorrupt) {
			t.Errorf("a sealed seed with %s in it: %v", name, err)
		}
	}
}

// opens opens every sealed secret to the same.
func opens(secret []byte) func(map[string]string) (map[string][]byte, error) {
	return func(sealed map[string]string) (map[string][]byte, error) {
		secrets := make(map[string][]byte, len(sealed))
		for id := range sealed {
			secrets[id] = secret
		}
		return secrets, nil
	}
}

func recordOf(t testing.TB, user string) json.RawMessage {
	t.Helper()
	content, err := factor.EncodeRecord(storetest.NewRecord(user, 1))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestVersions: the parts of a version can be read back from it, 0 is never a version, and parts that do not fit are
// refused.
func TestVersions(t *testing.T) {
	for _, generation := range []uint32{1, 7, 1<<32 - 1} {
		for _, number := range []int64{1, 2, maxNumber} {
			for _, bare := range []bool{false, true} {
				version, err := packVersion(generation, number, bare)
				if err != nil || version == 0 {
					t.Fatalf("%d %d: %v", generation, number, err)
				}
				if g, n, b := unpackVersion(version); g != generation || n != number || b != bare {
					t.Errorf("%d %d %v came back as %d %d %v", generation, number, bare, g, n, b)
				}
			}
		}
	}
	for _, impossible := range []struct {
		generation uint32
		number     int64
	}{{0, 1}, {1, 0}, {1, -1}, {1, maxNumber + 1}} {
		if _, err := packVersion(impossible.generation, impossible.number, false); !errors.Is(err, factor.ErrCorrupt) {
			t.Errorf("%v: %v", impossible, err)
		}
	}
}

// FuzzDocument: no content in Vault makes decoding panic, and whatever is accepted is a valid record of that user.
func FuzzDocument(f *testing.F) {
	good, err := newDocument(alice, storetest.NewRecord("alice", 7), 3, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(encoded(f, good))
	f.Add([]byte(`{"schema":1,"app":"wiki","user":"alice","generation":1,"disabled":true}`))
	f.Add([]byte(`{"schema":1,"app":"wiki","user":"alice","generation":1,"record":{"totp":{}},"sealed_seed":"vault:v1:x"}`))
	f.Add([]byte(`{"schema":2,"app":"wiki","user":"alice","generation":1,"record":{"schema":2,"user":"alice","contact":{}},"sealed_mail":"vault:v1:x"}`))
	f.Add([]byte(`{"schema":2,"app":"wiki","user":"alice","generation":1,"record":{"schema":2,"factors":[{"id":"a"}]},"sealed":{"a":"vault:v1:x"}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		d, err := decodeDocument(alice, content)
		if err != nil {
			if !errors.Is(err, factor.ErrCorrupt) {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		if d.Disabled {
			return
		}
		record, err := d.record(opens(make([]byte, 20)))
		if err == nil && (record.Validate() != nil || record.User != "alice") {
			t.Fatal("an invalid record was accepted")
		}
	})
}

// FuzzAnswer: only Vault's own clean 404 means "no such record", and no other answer, whoever sends it.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"errors":[]}`, `{"errors":null}`, `{}`, `{"data":null}`, `{"data":{"data":null,"metadata":{"version":1}}}`, `{"errors":["no handler for route"]}`,
		`<html>404</html>`, `{"data":{"data":{},"metadata":{"version":2,"custom_metadata":{"generation":"4"}}}}`, `{"errors":[],"data":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		other := errors.New("the answer")
		err := notFound(body, other)
		if errors.Is(err, factor.ErrNotFound) {
			var answer map[string]json.RawMessage
			if json.Unmarshal(body, &answer) != nil {
				t.Fatalf("%q means not found", body)
			}
			for name, value := range answer {
				if strings.EqualFold(name, "data") && string(value) != "null" {
					t.Fatalf("%q means not found", body)
				}
			}
		}
		if found, err := present(body, time.Now()); err == nil && len(found.content) == 0 {
			t.Fatalf("%q is a document without content", body)
		}
	})
}
