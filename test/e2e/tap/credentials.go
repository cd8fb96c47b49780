package tap

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// Credential is a value that the app has issued and that may identify an account.
type Credential struct {
	// Cookie is the cookie's name; empty for a bearer token.
	Cookie, Value string
}

// shortest is the length of the shortest credential; a shorter value is a setting, such as a theme.
const shortest = 16

// tokens matches bearer tokens and similar values in the JSON of answers.
var tokens = regexp.MustCompile(`"(?:token|access_token|refresh_token|session)"\s*:\s*"([^"]{16,})"`)

// bodyLimit is how much of a body is examined, in bytes.
const bodyLimit = 1 << 20

// note records the credentials in an answer. The caller holds the lock.
func (t *Tap) note(answer *http.Response) {
	for _, cookie := range answer.Cookies() {
		if len(cookie.Value) >= shortest && !isFormToken(cookie.Name) {
			t.issued[cookie.Value] = Credential{Cookie: cookie.Name, Value: cookie.Value}
		}
	}
	kind := answer.Header.Get("Content-Type")
	if !strings.Contains(kind, "json") || answer.Body == nil || answer.StatusCode == http.StatusSwitchingProtocols {
		return
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, bodyLimit))
	rest := answer.Body
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), rest), rest}
	if err != nil {
		return
	}
	for _, found := range tokens.FindAllSubmatch(Decoded(answer.Header, body), -1) {
		t.issued[string(found[1])] = Credential{Value: string(found[1])}
	}
}

// isFormToken reports whether a cookie is for scripts, and no credential.
func isFormToken(name string) bool {
	name = strings.ToLower(name)
	return strings.Contains(name, "csrf") || strings.Contains(name, "xsrf")
}

// Decoded returns a body without its compression, or unchanged if it has none that is known.
func Decoded(header http.Header, body []byte) []byte {
	if header.Get("Content-Encoding") != "gzip" {
		return body
	}
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return body
	}
	plain, err := io.ReadAll(io.LimitReader(reader, bodyLimit))
	if err != nil && len(plain) == 0 {
		return body
	}
	return plain
}

// Leaked returns the credentials that the app has issued since Forget and that are in one of the texts. Each has the
// accounts for which the app accepts it, as a cookie or as a bearer token; none if it accepts it for nobody.
func (t *Tap) Leaked(host, client string, texts ...string) map[Credential]names {
	t.mu.Lock()
	var found []Credential
	for value, credential := range t.issued {
		for _, text := range texts {
			if strings.Contains(text, value) {
				found = append(found, credential)
				break
			}
		}
	}
	t.mu.Unlock()
	leaked := map[Credential]names{}
	for _, credential := range found {
		leaked[credential] = t.Worth(host, client, credential)
	}
	return leaked
}

// Worth returns the account that the app accepts a credential for, in each realm.
func (t *Tap) Worth(host, client string, credential Credential) names {
	header := http.Header{"User-Agent": {client}}
	if credential.Cookie != "" {
		header["Cookie"] = []string{credential.Cookie + "=" + credential.Value}
	} else {
		header["Authorization"] = []string{"Bearer " + credential.Value}
	}
	return t.Ask(host, header)
}
