package custody

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/site"
)

// wordy answers a login in the client's language, and in parts if it is asked for a part. It sets its cookie whatever
// the result.
func wordy(v *visit) bool {
	if v.r.URL.Path != "/login" || v.r.Method != http.MethodPost {
		return false
	}
	name, right := v.checked()
	text := map[bool]string{true: "welcome, " + name, false: "sorry, wrong password"}[right]
	if strings.HasPrefix(v.r.Header.Get("Accept-Language"), "de") {
		text = map[bool]string{true: "willkommen, " + name, false: "leider das falsche Passwort"}[right]
	}
	if v.begin(); right {
		v.raise(realm, name)
	}
	v.w.Header().Set("Etag", `"form"`)
	status := http.StatusOK
	switch {
	case v.r.Header.Get("If-None-Match") == `"form"`:
		status, text = http.StatusNotModified, ""
	case strings.HasPrefix(v.r.Header.Get("Range"), "bytes=0-7"):
		status, text = http.StatusPartialContent, text[:8]
	}
	if v.w.WriteHeader(status); text != "" {
		fmt.Fprint(v.w, text)
	}
	return true
}

// TestP4_TypedJudgesNoWordsOfTheClients: if the typed name counts, a rule judged words that the client chooses: with
// `failure body "wrong password"`, any password was right for a German browser, or for a request for a part of the
// answer. Now a login goes out in the site's own language, for the whole answer and without conditions.
func TestP4_TypedJudgesNoWordsOfTheClients(t *testing.T) {
	t.Parallel()
	block := common + "\t\tidentity typed\n\t\tlogin /login {\n\t\t\tusername form username\n\t\t\tfields password\n" +
		"\t\t\tsuccess cookie sid\n\t\t\tfailure body \"wrong password\"\n\t\t}\n"
	h := open(t, block, site.Options{}, wordy)
	tries := map[string]http.Header{
		"language":   formHeader("Accept-Language", "de"),
		"range":      formHeader("Range", "bytes=0-7"),
		"condition":  formHeader("If-None-Match", `"form"`),
		"both":       formHeader("Range", "bytes=0-7", "Accept-Language", "de-AT, de;q=0.9"),
		"if range":   formHeader("Range", "bytes=0-7", "If-Range", `"form"`),
		"no more":    formHeader(),
		"underscore": {"Content-Type": {"application/x-www-form-urlencoded"}, "Accept_language": {"de"}},
	}
	// The app itself: a right password signs in. After a wrong one each of these answers lacks the words of the rule.
	for name, header := range tries {
		direct := h.direct(t)
		if got := direct.Do("POST", "/login", header, "username=alice&password=wrong"); name != "no more" && name != "underscore" && strings.Contains(got.Text, "wrong password") {
			t.Fatalf("%s: the app says %q: the test shows nothing", name, got.Text)
		}
		direct.Do("POST", "/login", header, credentials("alice"))
		h.control(t, name, direct)
	}
	// Nobody has a factor yet, so a right password is enough, and a wrong one gives nothing.
	for name, header := range tries {
		c := h.Client(t)
		c.Do("POST", "/login", header, "username=alice&password=wrong")
		wantsState(t, c, "anonymous", "")
		c = h.Client(t)
		got := c.Do("POST", "/login", header, credentials("carol"))
		if wantsState(t, c, "verified", "carol"); got.Text != "welcome, carol" && got.Text != "" {
			t.Errorf("%s: the app was asked for %q", name, got.Text)
		}
	}
	factor := h.enrol(t, "alice")
	for name, header := range tries {
		c := h.Client(t)
		c.Do("POST", "/login", header, "username=alice&password=wrong")
		h.wantsNothing(t, name, c)
		c.Do("POST", "/login", header, credentials("alice"))
		wantsState(t, c, "pending", "alice")
		h.wantsNothing(t, name+", the right password", c)
	}
	h.stillHonest(t, factor)
}

// eitherName signs in by whichever field has a name, and takes JSON too.
func eitherName(v *visit) bool {
	if v.r.URL.Path != "/login" || v.r.Method != http.MethodPost {
		return false
	}
	for _, field := range []string{"email", "login", "user.name", "USERNAME", "username"} {
		if name, _, _ := strings.Cut(v.fields.Get(field), "@"); rightPassword(name, v.fields.Get("password")) {
			v.signIn(name)
			http.Redirect(v.w, v.r, "/", http.StatusSeeOther)
			return true
		}
	}
	return false
}

// TestP4_TypedFieldsOfTheApps: the app reads a name from either of two fields, and cannot be asked. The attacker types
// nobody into the field that the gateway reads, and alice into the other. She was verified as nobody, with alice's
// session in the app. Now a login with an undescribed field does not go out, whether the field is in a query, a form,
// JSON, or several parts.
func TestP4_TypedFieldsOfTheApps(t *testing.T) {
	t.Parallel()
	h := open(t, common+typed, site.Options{}, eitherName)
	factor := h.enrol(t, "alice")
	parts := func(fields ...string) string {
		var body strings.Builder
		for i := 0; i+1 < len(fields); i += 2 {
			body.WriteString("--b\r\nContent-Disposition: form-data; name=\"" + fields[i] + "\"\r\n\r\n" + fields[i+1] + "\r\n")
		}
		return body.String() + "--b--\r\n"
	}
	for _, attack := range []struct{ name, path, kind, body string }{
		{"email", "/login", "application/x-www-form-urlencoded", "username=nobody&email=alice@example.com&password=alice-pw"},
		{"email in front", "/login", "application/x-www-form-urlencoded", "email=alice&username=nobody&password=alice-pw"},
		{"email in the query", "/login?email=alice", "application/x-www-form-urlencoded", "username=nobody&password=alice-pw"},
		{"another case", "/login", "application/x-www-form-urlencoded", "username=nobody&USERNAME=alice&password=alice-pw"},
		{"a point", "/login", "application/x-www-form-urlencoded", "username=nobody&user.name=alice&password=alice-pw"},
		{"encoded", "/login", "application/x-www-form-urlencoded", "username=nobody&%65mail=alice&password=alice-pw"},
		{"JSON", "/login", "application/json", `{"username":"nobody","email":"alice","password":"alice-pw"}`},
	} {
		direct := h.direct(t)
		direct.Do("POST", attack.path, http.Header{"Content-Type": {attack.kind}}, attack.body)
		h.control(t, attack.name, direct)
		c := h.Client(t)
		c.Get("/login")
		got := c.Do("POST", attack.path, http.Header{"Content-Type": {attack.kind}}, attack.body)
		if got.StatusCode != http.StatusBadRequest && got.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("%s: %d", attack.name, got.StatusCode)
		}
		wantsState(t, c, "anonymous", "")
		h.wantsNothing(t, attack.name, c)
	}
	c := h.Client(t)
	got := c.Do("POST", "/login", http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, parts("username", "nobody", "email", "alice", "password", "alice-pw"))
	got.Wants(t, http.StatusBadRequest, "")
	h.stillHonest(t, factor)
}

// TestP4_TypedMembersOfTheApps is the same in a login by script, whose document has more than the described members.
func TestP4_TypedMembersOfTheApps(t *testing.T) {
	t.Parallel()
	block := "\t\tidentity typed\n\t\tlogin /login {\n\t\t\tusername json /username\n\t\t\tfields /password\n\t\t\tsuccess cookie sid\n\t\t}\n"
	h := open(t, common+block, site.Options{}, func(v *visit) bool {
		if v.r.URL.Path == "/login" && v.fields.Get("username") == "" {
			// A name may stand in a list, or deeper.
			var deep struct {
				User     struct{ Name string }
				Names    []string
				Password string
			}
			if json.Unmarshal(v.body, &deep) == nil {
				v.fields.Set("username", deep.User.Name+strings.Join(deep.Names, ""))
				v.fields.Set("password", deep.Password)
			}
		}
		return eitherName(v)
	})
	sends := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}}
	logInByScript := func(name string) *site.Client {
		c := h.Client(t)
		c.Do("POST", "/login", sends, `{"username":"`+name+`","password":"`+name+`-pw"}`)
		return c
	}
	owner := logInByScript("alice")
	wantsState(t, owner, "verified", "alice")
	factor, _ := owner.Enrol(10)
	owner.SignOut()
	for _, body := range []string{
		`{"username":"nobody","email":"alice","password":"alice-pw"}`, `{"email":"alice","username":"nobody","password":"alice-pw"}`,
		`{"username":"nobody","USERNAME":"alice","password":"alice-pw"}`, `{"username":"nobody","password":"alice-pw","login":"alice"}`,
	} {
		direct := h.direct(t)
		direct.Do("POST", "/login", sends, body)
		h.control(t, body, direct)
		c := h.Client(t)
		c.Do("POST", "/login", sends, body).Wants(t, http.StatusBadRequest, "")
		wantsState(t, c, "anonymous", "")
		h.wantsNothing(t, body, c)
	}
	for _, body := range []string{
		`{"username":"nobody","user":{"name":"alice"},"password":"alice-pw"}`, `{"username":"nobody","names":["alice"],"password":"alice-pw"}`,
		`{"username":"nobody","password":"alice-pw","x":{}}`, `{"username":"nobody","password":["alice-pw"]}`, `[{"username":"nobody","password":"alice-pw"}]`,
	} {
		c := h.Client(t)
		if got := c.Do("POST", "/login", sends, body); got.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", body, got.StatusCode)
		}
		h.wantsNothing(t, body, c)
	}
	c := logInByScript("alice")
	wantsState(t, c, "pending", "alice")
	c.Pass(factor).Wants(t, http.StatusSeeOther, "")
	wantsState(t, c, "verified", "alice")
}

// redirector answers each POST with a redirect, whoever sends it, as phpMyAdmin's /url.php does.
func redirector(v *visit) bool {
	if v.r.URL.Path != "/url" || v.r.Method != http.MethodPost {
		return false
	}
	if v.user() == "" {
		v.begin()
	}
	http.Redirect(v.w, v.r, "/elsewhere", http.StatusFound)
	return true
}

// TestP4_NoPasswordAtAll: some address of the app leads every client on, with a cookie. The attacker has no password,
// names alice in the login's field, and is led on. That counted as success, and she set up her own authenticator for
// alice. With identity nobody is signed in. Without it, rules that only name a status, a Location or a failure are
// refused at the start.
func TestP4_NoPasswordAtAll(t *testing.T) {
	t.Parallel()
	login := "\t\tlogin * {\n\t\t\twhen     form username *\n\t\t\tusername form username\n\t\t}\n\t\tlogin_page /login\n"
	h := open(t, common+login+asks, site.Options{}, redirector)
	h.signedIn(t, "alice", nil)
	direct := h.direct(t)
	direct.Post("/url", url.Values{"username": {"alice"}}).Wants(t, http.StatusFound, "/elsewhere")
	c := h.Client(t)
	c.Post("/url", url.Values{"username": {"alice"}})
	wantsState(t, c, "anonymous", "")
	for _, page := range []string{"/second-factor/", "/second-factor/setup", "/second-factor/recovery-codes"} {
		if got := c.Get(page); got.StatusCode == http.StatusOK && site.OwnToken.MatchString(got.Text) && strings.Contains(got.Text, "alice") {
			t.Errorf("%s is open to her: %s", page, got.Text)
		}
	}
	h.wantsNothing(t, "no password", c)
	factor := h.enrol(t, "alice")
	c = h.Client(t)
	c.Post("/url", url.Values{"username": {"alice"}})
	wantsState(t, c, "anonymous", "")
	h.stillHonest(t, factor)
}

// TestP4_TypedIsRefusedWhereNothingTells: a site whose app cannot be asked starts only with rules that a client cannot
// bring about.
func TestP4_TypedIsRefusedWhereNothingTells(t *testing.T) {
	t.Parallel()
	block := func(identity, login string) string {
		return "http://127.0.0.1:1 {\n\tsecond_factor {\n\t\tapp x\n\t\t" + identity + "\n\t\tlogin /login {\n\t\t\tusername form u\n\t\t\t" +
			strings.ReplaceAll(login, "; ", "\n\t\t\t") + "\n\t\t}\n\t}\n\treverse_proxy 127.0.0.1:2\n}\n"
	}
	validate := func(text string) (string, error) {
		file := filepath.Join(t.TempDir(), "Caddyfile")
		if err := writeFile(file, "{\n\tdefault_bind 127.0.0.1\n\tsecond_factor {\n\t\tsecrets file "+file+".db\n\t}\n}\n"+text); err != nil {
			t.Fatal(err)
		}
		command := exec.CommandContext(t.Context(), site.Binary(t), "validate", "--config", file)
		command.Env = append(command.Environ(), "HOME="+filepath.Dir(file), "XDG_DATA_HOME="+filepath.Dir(file), "XDG_CONFIG_HOME="+filepath.Dir(file))
		output, err := command.CombinedOutput()
		return string(output), err
	}
	if output, err := validate(block("identity typed", "fields p; success cookie sid")); err != nil {
		t.Fatalf("what is right is refused: %s", output)
	}
	for name, text := range map[string]string{
		"neither asked nor typed": block("", "fields p; success cookie sid"),
		"a status alone":          block("identity typed", "fields p; success status 302"),
		"a location alone":        block("identity typed", "fields p; success location /home"),
		"a failure alone":         block("identity typed", "fields p; failure body wrong"),
		"no fields":               block("identity typed", "success cookie sid"),
		"nothing":                 block("identity typed", "fields p"),
	} {
		if output, err := validate(text); err == nil || !strings.Contains(output, "identity") {
			t.Errorf("%s: %v %s", name, err, output)
		}
	}
}
