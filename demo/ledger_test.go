package demo

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestEntryForm(t *testing.T) {
	b := open(t, Options{})
	b.asAlice()
	form := func(change ...string) url.Values {
		values := url.Values{"csrf": {b.token("/")}, "text": {"Tea & <b>cake</b>"}, "amount": {"-7,5"}}
		for i := 0; i < len(change); i += 2 {
			values.Set(change[i], change[i+1])
		}
		return values
	}
	for _, test := range []struct {
		form   url.Values
		status int
		alert  string
	}{
		{form("csrf", "x"), 403, "expired"},
		{form("text", " "), 422, "120 characters"},
		{form("amount", "seven"), 422, "12.50"},
	} {
		got := b.post("/entries", test.form)
		if got.StatusCode != test.status || !strings.Contains(got.body, `role="alert"`) || !strings.Contains(got.body, test.alert) {
			t.Errorf("%v: %d", test.form, got.StatusCode)
		}
	}
	if got := b.post("/entries", form()); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/" {
		t.Fatalf("adding: %d %s", got.StatusCode, got.body)
	}
	page := b.get("/")
	for _, part := range []string{"Tea &amp; &lt;b&gt;cake&lt;/b&gt;", `negative">-7.50<`, ">785.05</output>", "2026-11-24"} {
		if !strings.Contains(page.body, part) {
			t.Errorf("the page lacks %s", part)
		}
	}
	c := b.another()
	c.signIn("bob", BobPassword, "")
	if page := c.get("/"); strings.Contains(page.body, "Tea") || !strings.Contains(page.body, "Opening balance of bob") {
		t.Error("bob sees alice's ledger")
	}
}

func TestEntriesJSON(t *testing.T) {
	b := open(t, Options{})
	key := []string{"X-Api-Key", AliceAPIKey}
	got := b.postJSON("/api/entries", `{"text":" Tea ","amount":"12"}`, key...)
	if got.StatusCode != http.StatusCreated || got.body != `{"id":5,"date":"2026-11-24","text":"Tea","amount":"12.00"}`+"\n" {
		t.Errorf("%d %s", got.StatusCode, got.body)
	}
	for body, status := range map[string]int{`{"text":"Tea"}`: 422, `[]`: 400, ``: 400, `{"text":"","amount":"1"}`: 422} {
		if got := b.postJSON("/api/entries", body, key...); got.StatusCode != status {
			t.Errorf("%s: %d", body, got.StatusCode)
		}
	}
	list := b.get("/api/entries", key...)
	if !strings.HasPrefix(list.body, `{"balance":"804.55","entries":[{"id":1,`) || !strings.HasSuffix(list.body, `"login":"alice"}`+"\n") {
		t.Errorf("%s", list.body)
	}
}

func TestLedgerIsBounded(t *testing.T) {
	ls := newLedgers(time.Now)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range entryLimit / 4 {
				if _, err := ls.add("alice", "x", "1"); err != nil && !errors.Is(err, errFull) {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	all, _ := ls.list("alice")
	if len(all) != entryLimit || all[entryLimit-1].id != entryLimit {
		t.Errorf("%d entries", len(all))
	}
	if _, err := ls.add("alice", "x", "1"); !errors.Is(err, errFull) {
		t.Errorf("one too many: %v", err)
	}
	if _, err := ls.add("bob", strings.Repeat("ä", textLimit), "1"); err != nil {
		t.Error(err)
	}
	for _, text := range []string{strings.Repeat("ä", textLimit+1), "\xff", ""} {
		if _, err := ls.add("bob", text, "1"); !errors.Is(err, errText) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParseAmount(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "12": 1200, "12.5": 1250, "12,05": 1205, "-3": -300, " 1.00 ": 100, "999999999.99": 99999999999, "-0.01": -1,
	} {
		if got, err := parseAmount(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-", ".", ".5", "1.", "1.234", "1,2.3", "1.2,3", "1000000000", "--1", "+1", "1e3", "0x1", "1 2", "１", "1.-2"} {
		if got, err := parseAmount(text); !errors.Is(err, errAmount) {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, seed := range []string{"", "12.50", "-3", "1,5", "1.2,3", "999999999.99", "1.-2"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cents, err := parseAmount(text)
		if err != nil {
			return
		}
		if again, err := parseAmount(formatAmount(cents)); err != nil || again != cents {
			t.Errorf("%q: %d, and again %d, %v", text, cents, again, err)
		}
	})
}
