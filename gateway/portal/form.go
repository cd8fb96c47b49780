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
	"slices"
	"strings"
	"unicode/utf8"

	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/pages"
)

// maxForm is the largest body, in bytes, that our own pages take; maxPasskey that of what a browser says of a passkey.
const maxForm, maxPasskey = 4 << 10, 16 << 10

// form is what a POST to one of our own pages said.
type form struct {
	code string
	// trust asks that this browser be trusted. settled says that the user has decided this, either way.
	trust, settled bool
	// asks says that one of our own pages sent the form. Somebody sees what comes next, and can be asked or told
	// something before the page that was asked for.
	asks bool
	// leads says that the script of one of our pages sent the form, and goes on to where the answer leads.
	leads bool
	// kind is the kind of factor that the form is about; empty for the usual one.
	kind string
	// name is what the user calls a factor, and factor the ID of the one that is to be replaced.
	name, factor string
	// document is what was sent as JSON.
	document []byte
	// key is the public key that a browser made in order to be trusted; proof then shows that it has the private key.
	// Without a key, proof replaces the code, in a browser that is trusted already. In a confirmation proof is the kind
	// of the code; empty for the usual one.
	key, proof string
	// enrolment is the enrolment code that an operator made; enrols says that the form had a field for it.
	enrolment string
	enrols    bool
	// whose is what the user says of sign-ins that came to nothing: mine, other; or continue.
	whose string
	// address is where the codes of a factor go that is being set up.
	address string
	// from is the page of ours, below base, for which a code is sent in a verified session.
	from string
	// id names which of the user's own things is to be removed; empty for all.
	id string
}

// readBody reads the body of a POST to one of our pages. It answers 403 if another site may have sent the request, 413
// if the body is too large, and 400 if it breaks off. It returns no answer if nothing is wrong.
//
// Three things keep other sites out: the cookie is SameSite=Lax, net/http's CrossOriginProtection checks what browsers
// say of the origin, and the form has a token that only our own pages know (readForm).
func (x *Page) readBody(page ownPage) ([]byte, exchange.Answer) {
	if x.site.origins.Check(x.R) != nil {
		return nil, func() error { return x.Fail(http.StatusForbidden, pages.ErrorForm) }
	}
	most := int64(maxForm)
	if page.document {
		most = maxPasskey
	}
	body, err := io.ReadAll(http.MaxBytesReader(x.W, x.R.Body, most))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, func() error { return x.Fail(http.StatusRequestEntityTooLarge, pages.ErrorTooLarge) }
		}
		return nil, func() error { return x.Fail(http.StatusBadRequest, pages.ErrorRequest) }
	}
	return body, nil
}

// readForm checks what was read. It answers 400 to a malformed form, and 403 to a form without the session's token.
// JSON needs no token, at the pages that take it: a browser asks before it sends that content type across origins, and
// we never agree. At all others it is refused like a form without the token.
func (x *Page) readForm(page ownPage, body []byte) exchange.Answer {
	mediaType, parameters, err := mime.ParseMediaType(x.R.Header.Get("Content-Type"))
	if err != nil && len(body) > 0 || len(x.R.Header["Content-Type"]) > 1 || parameters["charset"] != "" && !isUTF8(parameters["charset"]) {
		return func() error { return x.Fail(http.StatusBadRequest, pages.ErrorRequest) }
	}
	x.form = new(form)
	var values url.Values
	switch {
	case mediaType == "application/json":
		x.SentJSON = true
		if !page.json && !page.document && x.Session() != nil {
			return func() error { return x.Fail(http.StatusForbidden, pages.ErrorForm) }
		}
		fields, ok := jsonFields(body)
		if !ok {
			return func() error { return x.Fail(http.StatusBadRequest, pages.ErrorRequest) }
		}
		x.form.take(func(name string) string { return fields[name] })
		x.form.document = body
		return nil
	case page.document:
		return func() error { return x.Fail(http.StatusForbidden, pages.ErrorForm) }
	case mediaType == "application/x-www-form-urlencoded" || len(body) == 0:
		if values, err = url.ParseQuery(string(body)); err != nil {
			return func() error { return x.Fail(http.StatusBadRequest, pages.ErrorRequest) }
		}
	default:
		return func() error { return x.Fail(http.StatusBadRequest, pages.ErrorRequest) }
	}
	for _, once := range []string{"csrf_token", "code", "trust", "key", "proof", "id", "then", "enrolment_code", "whose", "kind", "name", "factor", "address", "from"} {
		if len(values[once]) > 1 {
			return func() error { return x.Fail(http.StatusBadRequest, pages.ErrorRequest) }
		}
	}
	if x.Session() != nil && subtle.ConstantTimeCompare([]byte(values.Get("csrf_token")), []byte(x.Session().Form)) != 1 {
		return func() error { return x.Fail(http.StatusForbidden, pages.ErrorForm) }
	}
	x.form.take(values.Get)
	x.form.id = values.Get("id")
	x.form.whose = values.Get("whose")
	x.form.address, x.form.from = strings.TrimSpace(values.Get("address")), values.Get("from")
	x.form.factor = values.Get("factor")
	x.form.enrolment, x.form.enrols = strings.TrimSpace(values.Get("enrolment_code")), values.Has("enrolment_code")
	return nil
}

// take reads what both a form and a JSON document can say.
func (f *form) take(value func(name string) string) {
	f.leads = value("then") == "next"
	f.code, f.asks = value("code"), value("then") == "ask" || f.leads
	f.kind, f.name = value("kind"), value("name")
	f.settled = value("trust") != ""
	f.trust = f.settled && value("trust") != "no"
	f.key, f.proof = value("key"), value("proof")
}

// jsonFields reads the fields of a document such as `{"code":"…"}`. Each of ours may occur only once, because readers
// differ in which of two they take, in any mixture of cases. Other members do not count.
func jsonFields(body []byte) (fields map[string]string, ok bool) {
	if len(body) == 0 {
		return nil, true
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') || !utf8.Valid(body) {
		return nil, false
	}
	fields = make(map[string]string)
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, false
		}
		var value any
		if decoder.Decode(&value) != nil {
			return nil, false
		}
		name, _ := token.(string)
		ours := slices.ContainsFunc([]string{"code", "then", "trust", "key", "proof", "kind", "name"}, func(field string) bool { return strings.EqualFold(field, name) })
		if !ours {
			continue
		}
		text, isText := value.(string)
		if _, seen := fields[name]; seen || !isText || name != strings.ToLower(name) {
			return nil, false
		}
		fields[name] = text
	}
	if end, err := decoder.Token(); err != nil || end != json.Delim('}') {
		return nil, false
	}
	_, err := decoder.Token()
	return fields, errors.Is(err, io.EOF)
}

func isUTF8(charset string) bool {
	return len(charset) == 5 && (charset[0]|0x20) == 'u' && (charset[1]|0x20) == 't' && (charset[2]|0x20) == 'f' && charset[3:] == "-8"
}
