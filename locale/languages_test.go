package locale

import (
	"encoding/json"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"golang.org/x/text/feature/plural"
)

// english is the catalogue that every other is held against.
func english(t testing.TB) *Catalogue {
	t.Helper()
	return speaking(t, Fallback)
}

func speaking(t testing.TB, language string) *Catalogue {
	t.Helper()
	for _, c := range All() {
		if c.Language == language {
			return c
		}
	}
	t.Fatalf("no language %q", language)
	return nil
}

// TestLanguages: these are promised, and Arabic is written from right to left.
func TestLanguages(t *testing.T) {
	want := []string{"en", "ar", "de", "es", "fr", "it", "ja", "nl", "pl", "pt", "zh-Hans"}
	var got []string
	for _, c := range All() {
		got = append(got, c.Language)
		if want := map[bool]string{true: "rtl", false: "ltr"}[c.Language == "ar"]; c.Direction != want {
			t.Errorf("%s is written %s", c.Language, c.Direction)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("languages %q, want %q", got, want)
	}
}

// TestBest: who asks gets the best there is, and English where there is nothing better or the header is no header.
func TestBest(t *testing.T) {
	for _, test := range []struct{ accept, want string }{
		{"", "en"},
		{"en-GB,en;q=0.9", "en"},
		{"de", "de"},
		{"de-AT,de;q=0.9,en;q=0.5", "de"},
		{"da, de;q=0.8, en;q=0.7", "de"},
		{"en;q=0.5, fr;q=0.9", "fr"},
		{"pt-BR", "pt"},
		{"pt-PT", "pt"},
		{"es-419", "es"},
		{"ar-EG,ar;q=0.9", "ar"},
		{"zh-CN", "zh-Hans"},
		{"zh", "zh-Hans"},
		{"zh-Hans-SG", "zh-Hans"},
		{"ja-JP", "ja"},
		{"nl-BE", "nl"},
		{"pl", "pl"},
		{"it-CH", "it"},
		{"tlh", "en"},
		{"*", "en"},
		{"de;q=0", "en"},
		{";;;,,,", "en"},
		{"\x00\xff", "en"},
		{strings.Repeat("x-", 5000), "en"},
		{"de," + strings.Repeat("a-", 5000), "de"},
		{strings.Repeat("qaa,", 200) + "de", "en"},
	} {
		if got := All()[Best(test.accept)].Language; got != test.want {
			t.Errorf("%.40q: %s, want %s", test.accept, got, test.want)
		}
	}
}

func FuzzBest(f *testing.F) {
	for _, seed := range []string{"", "de", "de-DE,de;q=0.9", "*;q=0.1", "x-y-z", "en-GB-oed", ";", "q=", "de;q=9", "i-klingon", "\u0644"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		if at := Best(accept); at < 0 || at >= len(All()) {
			t.Errorf("%q gets %d", accept, at)
		}
	})
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// needed are the plural forms that whole numbers take in a language, each with the numbers below a thousand that take
// it.
func needed(c *Catalogue) map[plural.Form][]int64 {
	forms := make(map[plural.Form][]int64)
	for n := range int64(1000) {
		forms[c.form(n)] = append(forms[c.form(n)], n)
	}
	for _, n := range []int64{1e6, 2e6, 1e7, 1e9 + 1} {
		forms[c.form(n)] = append(forms[c.form(n)], n)
	}
	return forms
}

// TestComplete holds every language against English: the same keys, the same placeholders in each message, a text for
// each plural form that the language has and for no other, and no markup.
func TestComplete(t *testing.T) {
	want := english(t)
	for _, c := range All() {
		t.Run(c.Language, func(t *testing.T) {
			forms := needed(c)
			for _, key := range slices.Sorted(maps.Keys(want.messages)) {
				m, ok := c.messages[key]
				if !ok {
					t.Errorf("%s is missing", key)
					continue
				}
				original := want.messages[key]
				if (m.forms == nil) != (original.forms == nil) {
					t.Errorf("%s: plural here, and not in English, or the other way round", key)
					continue
				}
				if m.forms == nil {
					compare(t, key, original.text, m.text, false)
					continue
				}
				for form, numbers := range forms {
					if m.forms[form] == "" {
						t.Errorf("%s: no form for %d", key, numbers[0])
						continue
					}
					// A form for one number only may write it out.
					compare(t, key, original.forms[plural.Other], m.forms[form], len(numbers) == 1)
				}
				if len(m.forms) != len(forms) {
					t.Errorf("%s: %d forms, the language has %d", key, len(m.forms), len(forms))
				}
			}
			for key := range c.messages {
				if _, ok := want.messages[key]; !ok {
					t.Errorf("%s is in no page", key)
				}
			}
		})
	}
}

// compare holds one translation against the English words.
func compare(t *testing.T, key, original, words string, writtenOut bool) {
	t.Helper()
	if words == "" || words != strings.TrimSpace(words) {
		t.Errorf("%s: %q is empty or has spaces around it", key, words)
	}
	if strings.ContainsAny(words, "<>&") {
		t.Errorf("%s: markup in %q", key, words)
	}
	for _, c := range words {
		if unicode.IsControl(c) || Harmless(string(c)) != string(c) {
			t.Errorf("%s: U+%04X in %q", key, c, words)
		}
	}
	holds := func(text string) []string {
		found := placeholder.FindAllString(text, -1)
		slices.Sort(found)
		return found
	}
	got, wanted := holds(words), holds(original)
	if writtenOut && !slices.Contains(got, "{0}") {
		wanted = slices.DeleteFunc(wanted, func(name string) bool { return name == "{0}" })
	}
	if !slices.Equal(got, wanted) {
		t.Errorf("%s: %q has %q, in English %q", key, words, got, wanted)
	}
	// What ends as a sentence ends as one everywhere.
	ends := func(text string) bool { return strings.ContainsRune(".。", lastRune(text)) }
	if ends(words) != ends(original) && !strings.ContainsRune(":：。.", lastRune(words)) {
		t.Errorf("%s: %q ends otherwise than %q", key, words, original)
	}
}

func lastRune(text string) rune {
	var last rune
	for _, c := range text {
		last = c
	}
	return last
}

// TestNoKeyTwice: of two entries with one key JSON keeps the last, and says nothing.
func TestNoKeyTwice(t *testing.T) {
	names, err := fs.Glob(languageFiles, "languages/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := fs.ReadFile(languageFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[string]bool)
		for _, match := range regexp.MustCompile(`(?m)^\t"([^"]+)":`).FindAllSubmatch(content, -1) {
			if key := string(match[1]); seen[key] {
				t.Errorf("%s: %s stands twice", name, key)
			}
			seen[string(match[1])] = true
		}
		var all map[string]any
		if err := json.Unmarshal(content, &all); err != nil || len(all) != len(seen) {
			t.Errorf("%s: %d keys, one a line %d (%v)", name, len(all), len(seen), err)
		}
	}
}

// TestBrokenCatalogue: what is wrong in a file is an error that names it, never a page without words.
func TestBrokenCatalogue(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"none":            {},
		"no English":      {"languages/de.json": {Data: []byte(`{}`)}},
		"no language":     {"languages/en.json": {Data: []byte(`{}`)}, "languages/no-such-thing-at-all.json": {Data: []byte(`{}`)}},
		"no JSON":         {"languages/en.json": {Data: []byte(`{`)}},
		"no words":        {"languages/en.json": {Data: []byte(`{"a": 7}`)}},
		"unheard-of form": {"languages/en.json": {Data: []byte(`{"a": {"dual": "x"}}`)}},
	} {
		if _, err := loadCatalogues(files); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestPlurals reads some of the sentences in which a language counts.
func TestPlurals(t *testing.T) {
	for _, test := range []struct {
		language string
		n        int64
		want     string
	}{
		{"en", 1, "Try again in 1 minute."},
		{"en", 5, "Try again in 5 minutes."},
		{"de", 1, "Versuchen Sie es in 1 Minute noch einmal."},
		{"fr", 0, "Réessayez dans 0 minute."},
		{"fr", 2, "Réessayez dans 2 minutes."},
		{"pl", 1, "Prosimy spróbować ponownie za 1 minutę."},
		{"pl", 3, "Prosimy spróbować ponownie za 3 minuty."},
		{"pl", 5, "Prosimy spróbować ponownie za 5 minut."},
		{"pl", 22, "Prosimy spróbować ponownie za 22 minuty."},
		{"ja", 4, "4分後にもう一度お試しください。"},
		{"ar", 1, "يُرجى إعادة المحاولة بعد دقيقة واحدة."},
		{"ar", 2, "يُرجى إعادة المحاولة بعد دقيقتين."},
		{"ar", 3, "يُرجى إعادة المحاولة بعد 3 دقائق."},
		{"ar", 11, "يُرجى إعادة المحاولة بعد 11 دقيقة."},
	} {
		if got, err := speaking(t, test.language).Text("wait.minutes", test.n); err != nil || got != test.want {
			t.Errorf("%s, %d: %q %v, want %q", test.language, test.n, got, err, test.want)
		}
	}
}

// TestNumerals: thousands are set apart as the language does it, and the digits are those that authenticators show.
func TestNumerals(t *testing.T) {
	for language, want := range map[string]string{
		"en": "1,234,567", "de": "1.234.567", "fr": "1\u00a0234\u00a0567", "pl": "1\u00a0234\u00a0567", "ar": "1,234,567", "ja": "1,234,567",
	} {
		if got := speaking(t, language).numerals(1234567); got != want {
			t.Errorf("%s: %q, want %q", language, got, want)
		}
	}
}
