package login

import (
	"errors"
	"net/http"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// shape is what a request's body is.
type shape byte

const (
	// noBody: there is none, or it is empty.
	noBody shape = iota
	// formBody is urlencoded or multipart.
	formBody
	// jsonBody is JSON.
	jsonBody
	// otherBody is anything else, a body without a content type included.
	otherBody
)

// examination reads a request once, as far as it is needed, whatever the number of blocks.
type examination struct {
	request *http.Request
	admit   Admit // nil where there is room for all

	queryRead bool
	query     []field
	queryFlaw string

	bodyRead bool
	shape    shape
	form     []field
	json     node
	// flaw says why the body cannot be relied on; form and json then hold what a lax server may see.
	flaw *RefusedError
	// size is how much of it was read; unended: there is more, or more in it than is looked at.
	size    int
	unended bool
	// broken is a document that is no JSON by the letter. Servers differ in what they read all the same: NaN, comments,
	// a second one.
	broken string
	// formed: it is urlencoded, at least to some servers.
	formed bool
}

func (x *examination) readQuery() ([]field, string) {
	if !x.queryRead {
		x.queryRead = true
		x.query, x.queryFlaw = readPairs(x.request.URL.RawQuery)
	}
	return x.query, x.queryFlaw
}

// readBody examines the body. Nothing is read of a body whose type is plainly another one: it may be a long upload, or
// one half of a conversation.
func (x *examination) readBody(limit int) {
	if x.bodyRead {
		return
	}
	x.bodyRead = true
	r := x.request
	if r.Body == nil || r.Body == http.NoBody || !match.HasBody(r) { // a body that a server wrapped is not NoBody
		return
	}
	media, flaw := requestMedia(r.Header)
	untyped := media.kind == "" && flaw == ""
	if untyped {
		flaw = "body without a content type" // which PHP behind FastCGI takes for a form
	}
	switch {
	case media.kind == mediaForm || media.kind == mediaMultipart:
		x.shape = formBody
	case media.json():
		x.shape = jsonBody
	default:
		x.shape = otherBody
	}
	if flaw != "" {
		x.setFlaw(flaw)
	}
	if x.shape == otherBody && flaw == "" {
		return
	}
	x.formed = untyped || urlencoded(r.Header)
	if ahead := x.ahead(limit); ahead != "" {
		x.parse(ahead, media)
	}
}

// ahead reads up to limit bytes of the body. An empty body is none, whatever its type.
func (x *examination) ahead(limit int) string {
	ahead, more, err := readAhead(x.request, limit, x.admit)
	x.size = len(ahead)
	switch {
	case errors.Is(err, errNoRoom):
		x.flaw = noRoom()
	case err != nil:
		x.flaw = refuse(reasonForm, "body broke off")
		if over := (*http.MaxBytesError)(nil); errors.As(err, &over) {
			x.flaw = tooLarge()
		}
	case more:
		x.flaw, x.unended = tooLarge(), true
	case len(ahead) == 0:
		x.shape = noBody
	}
	return ahead
}

func (x *examination) parse(body string, media media) {
	flaw := ""
	switch {
	case x.shape == otherBody:
		// Its type is open to argument, so it may be taken for any.
		x.form, _ = readPairs(body)
		x.form = append(x.form, guessParts(body, "\x00")...)
		x.json, _ = parseJSON(body)
	case x.shape == jsonBody:
		narrow := narrowed(body)
		if narrow != body {
			flaw = "JSON in another encoding than UTF-8"
		}
		root, err := parseJSON(narrow)
		x.json = root
		if err != nil {
			x.broken = narrow
		}
		if err != nil {
			flaw = err.Error()
		}
	case x.shape == formBody && media.kind == mediaForm:
		x.form, flaw = readPairs(body)
		if len(x.form) > pairLimit {
			x.flaw, x.unended = tooLarge(), true
		}
	case x.shape == formBody && media.boundary != "":
		x.form, flaw = readMultipart(body, media.boundary)
	case x.shape == formBody:
		x.form, flaw = guessParts(body, "\x00"), "malformed multipart boundary"
	}
	if flaw != "" && x.flaw == nil {
		x.setFlaw(flaw)
	}
}

// narrowed is JSON without marks of a byte order, and without the zero bytes that UTF-16 and UTF-32 put between
// letters: some servers read these.
func narrowed(body string) string {
	for _, mark := range []string{"\xef\xbb\xbf", "\xfe\xff", "\xff\xfe"} {
		body = strings.TrimPrefix(body, mark)
	}
	return strings.ReplaceAll(body, "\x00", "")
}

func (x *examination) setFlaw(flaw string) {
	reason := reasonForm
	if flaw == flawCharset || strings.Contains(flaw, "UTF-8") {
		reason = reasonCharset
	}
	x.flaw = refuse(reason, flaw)
}

// bodyHits are the values in the body that could be taken for t.
func (x *examination) bodyHits(t target) []hit {
	x.readBody(ExamineLimit)
	return append(formHits(x.form, t), jsonHits(&x.json, t)...)
}

func (x *examination) queryHits(t target) []hit {
	fields, _ := x.readQuery()
	return formHits(fields, t)
}

// smuggled names a field by which some frameworks replace the method, the charset or other fields.
func (x *examination) smuggled() string {
	fields, _ := x.readQuery()
	for _, list := range [][]field{x.form, fields} {
		for _, f := range list {
			switch strings.ToLower(f.name) {
			case "_method":
				if !strings.EqualFold(f.value, x.request.Method) {
					return "a field that replaces the method"
				}
			case "_charset_":
				if f.value != "" && !strings.EqualFold(f.value, "utf-8") {
					return flawCharset
				}
			case "@jsonpayload":
				return "a field that replaces other fields"
			}
		}
	}
	return ""
}
