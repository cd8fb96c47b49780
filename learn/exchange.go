package learn

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sallyport.example/sallyport/login"
)

// Exchange is one request and the app's answer to it.
type Exchange struct {
	// Method and URL are the request's. Of URL only the path and the query count.
	Method string
	URL    *url.URL
	// Header and Body are the request's.
	Header http.Header
	Body   []byte
	// Status, Answer and Content are the answer's status, its header and its body. The body's content codings are
	// undone, and it may be cut off after login.AnswerLimit bytes.
	Status  int
	Answer  http.Header
	Content []byte
}

// fields returns the fields of the request's form: urlencoded or multipart. It is nil if the body is no form.
func (e *Exchange) fields() url.Values {
	kind, parameters, err := mime.ParseMediaType(e.Header.Get("Content-Type"))
	if err != nil {
		return nil
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		if values, err := url.ParseQuery(string(e.Body)); err == nil {
			return values
		}
	case "multipart/form-data":
		form, err := multipart.NewReader(bytes.NewReader(e.Body), parameters["boundary"]).ReadForm(login.BodyLimit)
		if err == nil {
			defer func() { _ = form.RemoveAll() }()
			return form.Value
		}
	}
	return nil
}

// document returns the request's JSON document; nil if the body is none.
func (e *Exchange) document() any {
	if !isJSON(e.Header) {
		return nil
	}
	return parseJSON(e.Body)
}

// said returns the answer's JSON document; nil if it is none.
func (e *Exchange) said() any {
	if !isJSON(e.Answer) {
		return nil
	}
	return parseJSON(e.Content)
}

func parseJSON(text []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var document any
	if decoder.Decode(&document) != nil {
		return nil
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil
	}
	return document
}

// contentType returns the media type of a header, without its parameters.
func contentType(header http.Header) string {
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

func isJSON(header http.Header) bool {
	kind := contentType(header)
	return kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}

// isPage reports whether the answer is a page of HTML.
func (e *Exchange) isPage() bool {
	kind := contentType(e.Answer)
	return kind == "text/html" || kind == "application/xhtml+xml"
}

// basic returns the name and the password of HTTP Basic.
func (e *Exchange) basic() (name, password string, ok bool) {
	scheme, encoded, found := strings.Cut(e.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(plain), ":")
}

// byScript reports whether a script sent the request, as far as its headers and body show.
func (e *Exchange) byScript() bool {
	if mode := e.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode != "navigate"
	}
	return e.Header.Get("X-Requested-With") != "" || isJSON(e.Header)
}

// sent returns the cookies of the request by their names. Of several with one name the first counts.
func (e *Exchange) sent() map[string]string {
	cookies := make(map[string]string)
	for _, cookie := range (&http.Request{Header: e.Header}).Cookies() {
		if _, twice := cookies[cookie.Name]; !twice {
			cookies[cookie.Name] = cookie.Value
		}
	}
	return cookies
}

// set returns the cookies that the answer sets, in their order.
func (e *Exchange) set() []*http.Cookie { return (&http.Response{Header: e.Answer}).Cookies() }

// removes reports whether a cookie that is set is one that is removed.
func removes(cookie *http.Cookie) bool {
	return cookie.MaxAge < 0 || cookie.Value == "" || !cookie.Expires.IsZero() && cookie.Expires.Year() < 2001
}

// leaf is a string, number or truth value somewhere in a JSON document.
type leaf struct {
	pointer string
	value   string
	// text says that it is a string. listed says that it is inside an array.
	text, listed bool
}

// leaves returns the leaves of a JSON document, sorted by their pointers (RFC 6901).
func leaves(document any) (found []leaf) {
	var walk func(pointer string, listed bool, value any)
	walk = func(pointer string, listed bool, value any) {
		switch value := value.(type) {
		case map[string]any:
			for name, inner := range value {
				walk(pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), listed, inner)
			}
		case []any:
			for _, inner := range value {
				walk(pointer+"/0", true, inner)
			}
		case string:
			found = append(found, leaf{pointer, value, true, listed})
		case json.Number:
			found = append(found, leaf{pointer, value.String(), false, listed})
		case bool:
			found = append(found, leaf{pointer, map[bool]string{true: "true", false: "false"}[value], false, listed})
		}
	}
	walk("", false, document)
	slices.SortFunc(found, func(a, b leaf) int { return strings.Compare(a.pointer+"\x00"+a.value, b.pointer+"\x00"+b.value) })
	return found
}

// lastName returns the name of the member that a pointer ends in.
func lastName(pointer string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(pointer[strings.LastIndexByte(pointer, '/')+1:])
}
