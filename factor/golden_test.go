package factor_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/schema1test"
	"sallyport.example/sallyport/factor/storetest"
)

// TestGoldenRecords: records that the previous version wrote are read, and written again byte for byte, so that a node
// of that version can go on with them.
func TestGoldenRecords(t *testing.T) {
	for _, file := range schema1test.Golden(schema1test.Records) {
		record, err := factor.DecodeRecord(file.Content)
		if err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		if record.Schema() != factor.Schema1 {
			t.Errorf("%s is of schema %d", file.Name, record.Schema())
		}
		if again, err := factor.EncodeRecord(record); err != nil || !bytes.Equal(again, file.Content) {
			t.Errorf("%s: not written byte for byte (%v):\n%s\n%s", file.Name, err, again, file.Content)
		}
		for _, f := range record.Factors {
			for _, kind := range newBench(t).config.Kinds {
				if kind.Name() == f.Kind && kind.Check(f) != nil {
					t.Errorf("%s: its kind cannot use the %s: %v", file.Name, f.Kind, kind.Check(f))
				}
			}
		}
	}
}

// TestGoldenCeremonies: the same for a set-up that waits in a session.
func TestGoldenCeremonies(t *testing.T) {
	b := newBench(t)
	for _, file := range schema1test.Golden(schema1test.Proposals) {
		ceremony, err := factor.DecodeCeremony(file.Content)
		if err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		if again := ceremony.Encode(); !bytes.Equal(again, file.Content) {
			t.Errorf("%s: not written byte for byte:\n%s\n%s", file.Name, again, file.Content)
		}
		offer, err := b.Show(ceremony)
		if err != nil || ceremony.Kind != factor.MethodTOTP || (ceremony.Replaces != "") != (file.Name == "reset") {
			t.Errorf("%s: %v", file.Name, err)
		}
		if file.Name == "reset" {
			continue // it belongs to an enrolment that does not exist here
		}
		if _, err := newBench(t).Confirm(t.Context(), alice, ceremony, typed(b.code(t, ceremony, 0))); err != nil {
			t.Errorf("%s (%d digits): %v", file.Name, offer.Digits, err)
		}
	}
}

// TestWhatWeWriteIsWhatWasWritten: whatever this version does with one authenticator and its recovery codes, the
// previous version can read the record, and would have written the same bytes.
func TestWhatWeWriteIsWhatWasWritten(t *testing.T) {
	b := enrolled(t, func(c *factor.Config) { c.Remember = time.Hour })
	check := func(doing string) {
		t.Helper()
		document, err := factor.EncodeRecord(b.record(t))
		if err != nil {
			t.Fatal(err)
		}
		record, err := schema1test.Decode(document)
		if err != nil {
			t.Fatalf("%s: the previous version: %v", doing, err)
		}
		if again, err := schema1test.Encode(record); err != nil || !bytes.Equal(again, document) {
			t.Errorf("%s: the previous version writes something else (%v)", doing, err)
		}
	}
	check("enrolled")
	wantError(t, "code", verifyTOTP(firefox(t), b.Service, alice, b.code(t, b.seed, 0)), nil)
	check("signed in")
	b.clock.Advance(time.Minute)
	credential, err := b.SignInAndTrust(firefox(t), alice, typed(b.code(t, b.seed, 0)), factor.Trust{})
	wantError(t, "trust", err, nil)
	check("trusted")
	credential, err = b.UseDevice(firefox(t), alice, credential, factor.Proof{})
	wantError(t, "trusted", err, nil)
	check("used the trust")
	_, err = verifyRecovery(firefox(t), b.Service, alice, b.codes[2])
	wantError(t, "recovery", err, nil)
	check("used a recovery code")
	for range 6 {
		_ = verifyTOTP(firefox(t), b.Service, alice, b.wrong(t))
	}
	check("throttled")
	_, err = b.ForgetDevice(t.Context(), alice, factor.DeviceID(credential))
	wantError(t, "forget", err, nil)
	check("forgot the browser")
	_, err = b.NewRecoveryCodes(firefox(t), alice)
	wantError(t, "new codes", err, nil)
	check("made new codes")
	proposal, err := b.Begin(t.Context(), alice, factor.MethodTOTP)
	wantError(t, "propose", err, nil)
	_, err = b.Confirm(t.Context(), alice, proposal, typed(b.code(t, proposal, 0)))
	wantError(t, "reset", err, nil)
	check("reset")
	wantError(t, "disable", b.Disable(t.Context(), alice), nil)
	if _, err := b.Offer(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	check("waits")
}

// TestLowestSchema: schema 2 is written only if schema 1 would lose something. The previous version refuses it with an
// error.
func TestLowestSchema(t *testing.T) {
	for name, change := range map[string]func(*factor.Record){
		"a name":                     func(r *factor.Record) { r.Factors[0].Name = "Telephone" },
		"another authenticator":      func(r *factor.Record) { r.Factors = append(r.Factors, again(r.Factors[0])) },
		"another kind":               func(r *factor.Record) { r.Factors = append(r.Factors, factor.Factor{ID: "x", Kind: "unheard_of"}) },
		"another kind alone":         func(r *factor.Record) { r.Factors = []factor.Factor{{ID: "x", Kind: "unheard_of"}} },
		"recovery codes with an id":  func(r *factor.Record) { r.Factors[1].ID = "x" },
		"recovery codes used":        func(r *factor.Record) { r.Factors[1].Used = r.Factors[1].Created },
		"recovery codes with a name": func(r *factor.Record) { r.Factors[1].Name = "Paper" },
		"sealed recovery codes":      func(r *factor.Record) { r.Factors[1].Secret = []byte("x") },
		"more to remember":           func(r *factor.Record) { r.Factors[0].State = more(r.Factors[0].State) },
		"more of the codes":          func(r *factor.Record) { r.Factors[1].State = more(r.Factors[1].State) },
		"nothing to remember":        func(r *factor.Record) { r.Factors[0].State = nil },
		"a code of an operator's": func(r *factor.Record) {
			r.Code = &factor.Code{Hash: make([]byte, 32), Expires: r.Activity[0].At}
		},
		"an operator's help": func(r *factor.Record) {
			r.Activity = append(r.Activity, factor.Event{Kind: factor.EventOperatorUnlock, At: r.Activity[0].At})
		},
		"news": func(r *factor.Record) {
			r.Activity = append(r.Activity, factor.Event{Kind: "sign-in-unheard_of", At: r.Activity[0].At})
		},
	} {
		record := storetest.NewRecord(alice, 1)
		change(&record)
		document, err := factor.EncodeRecord(record)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if record.Schema() != factor.Schema2 || !bytes.HasPrefix(document, []byte(`{"schema":2,`)) {
			t.Errorf("%s: schema %d: %s", name, record.Schema(), document)
		}
		if _, err := schema1test.Decode(document); err == nil {
			t.Errorf("%s: the previous version accepts it", name)
		}
		read, err := factor.DecodeRecord(document)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again, err := factor.EncodeRecord(read); err != nil || !bytes.Equal(again, document) {
			t.Errorf("%s: not written byte for byte (%v)", name, err)
		}
		// Reduce the record to what schema 1 can hold.
		read.Factors, read.Activity = storetest.NewRecord(alice, 1).Factors, read.Activity[:2]
		read.Code = nil
		if read.Schema() != factor.Schema1 {
			t.Errorf("%s: schema 2 although schema 1 could hold the record", name)
		}
	}
	swapped := storetest.NewRecord(alice, 1)
	swapped.Factors[0], swapped.Factors[1] = swapped.Factors[1], swapped.Factors[0]
	if swapped.Schema() != factor.Schema1 {
		t.Error("the order of the factors alone requires schema 2")
	}
}

func again(f factor.Factor) factor.Factor {
	f.ID += "-again"
	return f
}

// more is a state with a field that schema 1 does not know.
func more(state json.RawMessage) json.RawMessage {
	return append(append(bytes.Clone(state[:len(state)-1]), `,"more":1`...), '}')
}

// TestBareRecords: EncodeBare leaves out the secrets and the address and nothing else, in both schemas.
func TestBareRecords(t *testing.T) {
	odd := storetest.NewRecord(alice, 1)
	odd.Factors[1].Secret = []byte("asecret") // this alone requires schema 2
	for _, record := range []factor.Record{storetest.NewRecord(alice, 1), storetest.NewMixed(alice, 1), odd, storetest.NewWaiting(alice), storetest.NewReset(alice, 1)} {
		document, err := factor.EncodeBare(record)
		if err != nil {
			t.Fatal(err)
		}
		bare, err := factor.DecodeBare(document)
		if err != nil {
			t.Fatal(err)
		}
		for i := range bare.Factors {
			if len(bare.Factors[i].Secret) != 0 {
				t.Error("a secret is in the bare document")
			}
			bare.Factors[i].Secret = record.Factors[i].Secret
		}
		if bare.Contact != nil {
			if bare.Contact.Mail != "" {
				t.Error("the address is in the bare document")
			}
			bare.Contact.Mail = record.Contact.Mail
		}
		want, err := factor.EncodeRecord(record)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := factor.EncodeRecord(bare); err != nil || !bytes.Equal(got, want) {
			t.Errorf("the bare record with its secrets put in differs (%v)", err)
		}
	}
	if _, err := factor.EncodeBare(factor.Record{User: alice}); err == nil {
		t.Error("a record without a factor was encoded")
	}
}

// TestOneSpelling: a record whose states come back from a store in another spelling is the same record.
func TestOneSpelling(t *testing.T) {
	var documents [2][]byte
	for i, state := range []string{
		`{"b":[1.50,{"z":12345678901234567890,"y":"<ü>"}],"a":null}`, ` { "a":null, "b": [1.50,{"y":"\u003cü>", "z":12345678901234567890}]}`,
	} {
		record := storetest.NewMixed(alice, 1)
		record.Factors[3].State = json.RawMessage(state)
		var err error
		if documents[i], err = factor.EncodeRecord(record); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(documents[0], documents[1]) || !bytes.Contains(documents[0], []byte("12345678901234567890")) {
		t.Errorf("two spellings are two records:\n%s\n%s", documents[0], documents[1])
	}
}
