package login

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"sallyport.example/sallyport/internal/match"
)

// replay is a request body that was read ahead: first what was read, then the rest.
type replay struct {
	ahead strings.Reader
	rest  io.ReadCloser
	// err is the error that ended reading ahead, io.EOF or another one; nil if there is more to read.
	err error
}

// Read implements io.Reader.
func (b *replay) Read(p []byte) (int, error) {
	if b.ahead.Len() > 0 {
		return b.ahead.Read(p)
	}
	if b.err != nil {
		return 0, b.err
	}
	return b.rest.Read(p)
}

// Close implements io.Closer.
func (b *replay) Close() error { return b.rest.Close() }

// Admit is called before more than BodyLimit of a body is kept in memory. It reports whether there is room; leave gives
// the room back.
type Admit func() (leave func(), ok bool)

// errNoRoom is returned if there is no room for a large body.
var errNoRoom = errors.New("too many large bodies at once")

// readAhead reads at most limit bytes of the request's body and replaces the body by one that yields the same bytes and
// errors. The request's length and transfer encoding are unchanged. more reports whether the body goes on after that.
func readAhead(r *http.Request, limit int, admit Admit) (ahead string, more bool, err error) {
	body := r.Body
	// The length that a client announces must not reserve memory that it does not fill.
	size := 1 << 10
	if r.ContentLength > 0 {
		size = int(min(r.ContentLength, int64(limit), BodyLimit)) + 1 // one more, to see the end
	}
	buffer := make([]byte, size)
	n := 0
	for n < len(buffer) && err == nil {
		var got int
		got, err = body.Read(buffer[n:])
		n += got
		if n > BodyLimit && admit != nil && err == nil {
			leave, ok := admit()
			if !ok {
				err = errNoRoom
				break
			}
			defer leave()
			admit = nil
		}
		if n == len(buffer) && n <= limit && err == nil {
			buffer = append(buffer, make([]byte, min(n, limit+1-n))...)
		}
	}
	read := string(buffer[:n])
	again := &replay{rest: body, err: err}
	again.ahead.Reset(read)
	r.Body = again
	if errors.Is(err, io.EOF) {
		err = nil
	} else if err == nil {
		more = true
	}
	if n > limit {
		more = true
	}
	return read[:min(n, limit)], more, err
}

// Readable reports whether DecodeBody undoes a content coding, as a client names it in Accept-Encoding.
func Readable(coding string) bool {
	switch strings.ToLower(coding) {
	case "gzip", "x-gzip", "deflate", "br", "zstd", "identity":
		return true
	}
	return false
}

var (
	// ErrEncoding says that the content coding of the body is unknown, or that the body does not match its name.
	ErrEncoding = errors.New("content encoding unknown or broken")
	// ErrTooLarge says that the decoded body is longer than the limit.
	ErrTooLarge = errors.New("body too large")
)

// codingLimit is the largest number of content codings on one body.
const codingLimit = 3

// DecodeBody undoes the content codings that the header names, of which there may be several: gzip, deflate (with and
// without zlib's frame), br and zstd. It returns at most limit bytes. A longer body is ErrTooLarge, with its beginning
// if that is available; it is never held whole in memory.
func DecodeBody(header http.Header, raw []byte, limit int) ([]byte, error) {
	if len(raw) > limit {
		return nil, ErrTooLarge
	}
	var codings []string
	for _, line := range header["Content-Encoding"] {
		for coding := range strings.SplitSeq(line, ",") {
			coding = strings.ToLower(strings.TrimSpace(coding))
			if coding != "" && coding != "identity" {
				codings = append(codings, coding)
			}
		}
	}
	if len(raw) == 0 {
		return raw, nil // an answer to HEAD, a 204, a 304
	}
	if len(codings) > codingLimit {
		return nil, fmt.Errorf("%w: more than %d codings", ErrEncoding, codingLimit)
	}
	for _, coding := range slices.Backward(codings) {
		decoded, err := decodeOne(coding, raw, limit)
		if err != nil {
			return decoded, err
		}
		raw = decoded
	}
	return raw, nil
}

func decodeOne(coding string, raw []byte, limit int) ([]byte, error) {
	var reader io.Reader
	var err error
	switch coding {
	case "gzip", "x-gzip":
		reader, err = gzip.NewReader(bytes.NewReader(raw))
	case "deflate":
		// RFC 9110 §8.4.1.2 means zlib's format, but some servers send bare deflate.
		if reader, err = zlib.NewReader(bytes.NewReader(raw)); err != nil {
			reader, err = flate.NewReader(bytes.NewReader(raw)), nil
		}
	case "br":
		reader = brotli.NewReader(bytes.NewReader(raw))
	case "zstd":
		var decoder *zstd.Decoder
		decoder, err = zstd.NewReader(bytes.NewReader(raw), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(8<<20)) // RFC 9659: no larger window in HTTP
		if err == nil {
			defer decoder.Close()
			reader = decoder
		}
	default:
		return nil, fmt.Errorf("%w: not one of gzip, deflate, br, zstd", ErrEncoding)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrEncoding, coding, err)
	}
	decoded, err := io.ReadAll(io.LimitReader(reader, int64(limit)+1))
	if len(decoded) > limit {
		return decoded[:limit], ErrTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrEncoding, coding, err)
	}
	return decoded, nil
}

// shape is the kind of a request's body.
type shape byte

const (
	// noBody: there is none, or it is empty.
	noBody shape = iota
	// formBody is urlencoded or multipart.
	formBody
	// jsonBody is JSON.
	jsonBody
	// otherBody is anything else, including a body without a content type.
	otherBody
)

// examination reads a request once, as far as needed, whatever the number of blocks.
type examination struct {
	request *http.Request
	admit   Admit // nil means that there is always room

	queryRead bool
	query     []field
	queryFlaw string

	bodyRead bool
	shape    shape
	form     []field
	json     node
	// flaw says why the body cannot be relied on. form and json then have what a lax server may see.
	flaw *RefusedError
	// size is how much of it was read; unended: there is more, or there are more values in it than are examined.
	size    int
	unended bool
	// broken is a document that is not strictly JSON. Servers differ in what they still read: NaN, comments, a second
	// document.
	broken string
	// formed: at least some servers read it as urlencoded.
	formed bool
}

func (x *examination) readQuery() ([]field, string) {
	if !x.queryRead {
		x.queryRead = true
		x.query, x.queryFlaw = readPairs(x.request.URL.RawQuery)
	}
	return x.query, x.queryFlaw
}

// readBody examines the body. It does not read a body whose type clearly is another one, because that may be a long
// upload, or one half of a conversation.
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
		flaw = "body without a content type" // PHP behind FastCGI reads it as a form
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

// ahead reads up to limit bytes of the body. An empty body counts as none, whatever its type.
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
		// Servers may disagree about its type, so it may be read as any.
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

// narrowed returns JSON without byte order marks, and without the zero bytes that UTF-16 and UTF-32 put between
// letters: some servers read these encodings.
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

// bodyHits returns the values in the body that some server could take for t's.
func (x *examination) bodyHits(t target) []hit {
	x.readBody(ExamineLimit)
	return append(formHits(x.form, t), jsonHits(&x.json, t)...)
}

func (x *examination) queryHits(t target) []hit {
	fields, _ := x.readQuery()
	return formHits(fields, t)
}

// smuggled returns the name of a field by which some frameworks replace the method, the charset or other fields.
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
