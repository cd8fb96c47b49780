package learn

import (
	"net/http"
	"regexp"
	"slices"
	"testing"
)

// TestInPage: a pattern begins at something that stays the same, and its first match is the name.
func TestInPage(t *testing.T) {
	for page, want := range map[string]string{
		`<b id="who">alice</b>`:                                                           `<b[^>]*\bid="who"[^>]*>\s*([^<\s][^<]*?)\s*<`,
		`<b class="user" data-t="a1">Alice</b>`:                                           `<b[^>]*\bclass="user"[^>]*>\s*([^<\s][^<]*?)\s*<`,
		`<b>alice</b>`:                                                                    "",
		`<p id="x">Signed in as alice</p>`:                                                `<p[^>]*\bid="x"[^>]*>\s*Signed in as\s+([^<\s][^<]*?)\s*<`,
		`<p id="x"><i>Hello</i> <b>alice</b></p>`:                                         `<p[^>]*\bid="x"[^>]*><i>[^<]*</i>[^<]*<b>\s*([^<\s][^<]*?)\s*<`,
		`<p id="x">malice</p>`:                                                            "",
		`<p id="x">alice and bob</p>`:                                                     "",
		`<li class="u">bob</li><li class="u">alice</li>`:                                  "",
		`<li class="u">User: alice@localhost</li>`:                                        `<li[^>]*\bclass="u"[^>]*>\s*User:\s+([^<\s][^<]*)@[^<@]+<`,
		`<input name="login" disabled value="alice">`:                                     `<input[^>]*\bname="login"[^>]*\bvalue="([^"]+)"`,
		`<input value="alice">`:                                                           "",
		`<script>var c = {"other":"x","wgUserName":"alice"}</script>`:                     `"wgUserName"\s*:\s*"((?:[^"\\]|\\.)+)"`,
		`<script>var c = {"wgUserName":"bob"}; d = {"wgUserName":"alice"}</script>`:       "",
		`<b id="secret-session">alice</b><b id="name">alice</b>`:                          `<b[^>]*\bid="name"[^>]*>\s*([^<\s][^<]*?)\s*<`,
		`<b id="a1234567890123456789">alice</b>`:                                          "",
		`<p id="x">` + `<a>1</a><a>2</a><a>3</a><a>4</a><a>5</a><a>6</a><b>alice</b></p>`: "",
	} {
		r := &Recording{others: []string{"secret-session"}}
		e := &Exchange{Answer: http.Header{"Content-Type": {"text/html"}}, Content: []byte(page)}
		found := r.inPage(e, "alice")
		if want == "" && len(found) > 0 || want != "" && !slices.ContainsFunc(found, func(p pattern) bool { return p.text == want }) {
			t.Errorf("%s: %+v, want %s", page, found, want)
		}
		for _, p := range found {
			if regexp.MustCompile(p.text).NumSubexp() != 1 {
				t.Errorf("%s: %s has not one group", page, p.text)
			}
		}
	}
}

// TestInFileName: an export that is called after the account.
func TestInFileName(t *testing.T) {
	for value, want := range map[string]string{
		"attachment; filename=app_alice_2026-12-01.opml": `^attachment; filename=app_(.+)_[0-9]+-[0-9]+-[0-9]+\.opml$`,
		"attachment; filename=malice.opml":               "",
		"attachment; filename=alice-alice.opml":          "",
		"attachment":                                     "",
	} {
		e := &Exchange{Answer: http.Header{"Content-Disposition": {value}}}
		found := new(Recording).inFileName(e, &Attempt{name: "alice"})
		if want == "" && found != nil || want != "" && (len(found) != 1 || found[0].words[2] != want || found[0].reads(e) != "alice") {
			t.Errorf("%s: %+v", value, found)
		}
	}
}

// TestSmall: names in small letters alone, for an app that repeats what was typed.
func TestSmall(t *testing.T) {
	for _, words := range [][]string{{"body", `<b id="x">\s*([^<\s][^<]*?)\s*<`}, {"body", `x="([^"]+)"`}, {"body", `([^<\s][^<]*)@`}, {"header", "X-User"}} {
		place := identity{words: words}
		place.small()
		pattern := regexp.MustCompile(place.words[len(place.words)-1])
		if pattern.NumSubexp() != 1 || pattern.MatchString("ALICE") || !regexp.MustCompile(`\Q([a-z0-9._@-]+)\E`).MatchString(pattern.String()) {
			t.Errorf("%q", place.words)
		}
	}
}
