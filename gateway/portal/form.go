package portal

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/pages"
)

// maxForm is the largest body that one of our own pages takes, in bytes.
const maxForm = 4 << 10

// form is what a POST to one of our own pages said.
type form struct {
	code string
	// trust asks for this browser to be trusted, and settled says that this was decided, either way.
	trust, settled bool
	// asks is what our own pages say of themselves: somebody sees what comes next, and can be asked or told something
	// before the page that was wanted.
	asks bool
	// key is the public key that a browser made in order to be trusted; with it proof shows that it has the private
	// one. Without it proof stands in the place of a code, in a browser that is trusted already.
	key, proof string
	// enrolment is the enrolment code that an operator made.
	enrolment string
	// whose is what the user says of sign-ins that came to nothing: mine, other; or continue.
	whose string
	// id names what is to be removed, among the user's own; empty for all.
	id string
}

// readBody reads the body of a POST of ours: 403 for what another site may have sent, 413 for what is too large,
// 400 for what breaks off. There is no answer where nothing is wrong.
//
// Three things keep other sites out: the cookie is SameSite=Lax, net/http's CrossOriginProtection looks at what
// browsers say of the origin, and the token in the form is one that only our own pages know (readForm).
func (x *Page) readBody() ([]byte, exchange.Answer) {
	if x.site.origins.Check(x.R) != nil {
		return nil, func() error { return x.Fail(http.StatusForbidden, pages.ErrorForm) }
	}
	body, err := io.ReadAll(http.MaxBytesReader(x.W, x.R.Body, maxForm))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, func() error { return x.Fail(http.StatusRequestEntityTooLarge, pages.ErrorTooLarge) }
		}
		return nil, func() error { return x.Fail(http.StatusBadRequest, pages.ErrorRequest) }
	}
	return body, nil
}

// readForm checks what was read: 400 for what is malformed, 403 for a form without the session's token. JSON needs no
// token: a browser asks before it sends that content type across origins, and we never agree.
func (x *Page) readForm(body []byte) exchange.Answer {
	mediaType, parameters, err := mime.ParseMediaType(x.R.Header.Get("Content-Type"))
	if err != nil && len(body) > 0 || len(x.R.Header["Content-Type"]) > 1 || parameters["charset"] != "" && !isUTF8(parameters["charset"]) {
		return func() error { return x.Fail(http.StatusBadRequest, pages.ErrorRequest) }
	}
	x.form = new(form)
	var values url.Values
	switch {
	case mediaType == "application/json":
		x.SentJSON = true
		code, ok := jsonCode(body)
		if !ok {
			return func() error { return x.Fail(http.StatusBadRequest, pages.ErrorRequest) }
		}
		x.form.code = code
		return nil
	case mediaType == "application/x-www-form-urlencoded" || len(body) == 0:
		if values, err = url.ParseQuery(string(body)); err != nil {
			return func() error { return x.Fail(http.StatusBadRequest, pages.ErrorRequest) }
		}
	default:
		return func() error { return x.Fail(http.StatusBadRequest, pages.ErrorRequest) }
	}
	for _, once := range []string{"csrf_token", "code", "trust", "key", "proof", "id", "then", "enrolment_code", "whose"} {
		if len(values[once]) > 1 {
			return func() error { return x.Fail(http.StatusBadRequest, pages.ErrorRequest) }
		}
	}
	if x.Session() != nil && subtle.ConstantTimeCompare([]byte(values.Get("csrf_token")), []byte(x.Session().Form)) != 1 {
		return func() error { return x.Fail(http.StatusForbidden, pages.ErrorForm) }
	}
	x.form.code, x.form.id, x.form.asks = values.Get("code"), values.Get("id"), values.Get("then") == "ask"
	x.form.settled = values.Get("trust") != ""
	x.form.trust = x.form.settled && values.Get("trust") != "no"
	x.form.key, x.form.proof = values.Get("key"), values.Get("proof")
	x.form.whose = values.Get("whose")
	x.form.enrolment = strings.TrimSpace(values.Get("enrolment_code"))
	return nil
}

// jsonCode reads the code from a document `{"code":"…"}`. It stands there once: of two, in any mixture of cases,
// readers differ in which one they take.
func jsonCode(body []byte) (code string, ok bool) {
	if len(body) == 0 {
		return "", true
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') || !utf8.Valid(body) {
		return "", false
	}
	seen := false
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return "", false
		}
		var value any
		if decoder.Decode(&value) != nil {
			return "", false
		}
		if text, _ := name.(string); !strings.EqualFold(text, "code") {
			continue
		} else if seen || text != "code" {
			return "", false
		}
		if code, seen = value.(string); !seen {
			return "", false
		}
	}
	if end, err := decoder.Token(); err != nil || end != json.Delim('}') {
		return "", false
	}
	_, err := decoder.Token()
	return code, errors.Is(err, io.EOF)
}

func isUTF8(charset string) bool {
	return len(charset) == 5 && (charset[0]|0x20) == 'u' && (charset[1]|0x20) == 't' && (charset[2]|0x20) == 'f' && charset[3:] == "-8"
}
