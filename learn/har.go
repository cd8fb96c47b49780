package learn

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sallyport.example/sallyport/login"
)

// ErrHAR says that a text is no HTTP archive.
var ErrHAR = errors.New("no HTTP archive (HAR)")

// largestHAR is how large an archive may be, in bytes.
const largestHAR = 256 << 20

// archive is what counts of an HTTP archive of version 1.2, as browsers export it.
type archive struct {
	Log struct {
		Entries []harEntry `json:"entries"`
	} `json:"log"`
}

type harEntry struct {
	Started string `json:"startedDateTime"`
	Request struct {
		Method   string       `json:"method"`
		URL      string       `json:"url"`
		Headers  []harHeader  `json:"headers"`
		PostData *harPostData `json:"postData"`
	} `json:"request"`
	Response struct {
		Status  int         `json:"status"`
		Headers []harHeader `json:"headers"`
		Content struct {
			MimeType string `json:"mimeType"`
			Text     string `json:"text"`
			Encoding string `json:"encoding"`
		} `json:"content"`
	} `json:"response"`
}

type harHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type harPostData struct {
	MimeType string      `json:"mimeType"`
	Text     string      `json:"text"`
	Params   []harHeader `json:"params"`
}

// ReadHAR reads the archive that a browser has exported, and returns the exchanges with the app: those of the origin at
// which a password was sent first, in the order in which they were sent. withheld says that the browser has left
// cookies and credentials out, as Chrome does unless it is told to export sensitive data. Errors wrap ErrHAR and hold
// nothing of the archive.
func ReadHAR(from io.Reader) (exchanges []Exchange, origin string, withheld bool, err error) {
	content, err := io.ReadAll(io.LimitReader(from, largestHAR+1))
	if err != nil {
		return nil, "", false, fmt.Errorf("reading the archive: %w", err)
	}
	if len(content) > largestHAR {
		return nil, "", false, fmt.Errorf("%w: it is larger than %d MiB", ErrHAR, largestHAR>>20)
	}
	var read archive
	if json.Unmarshal([]byte(strings.TrimPrefix(string(content), "\ufeff")), &read) != nil || read.Log.Entries == nil {
		return nil, "", false, ErrHAR
	}
	entries := read.Log.Entries
	slices.SortStableFunc(entries, func(a, b harEntry) int { return strings.Compare(a.Started, b.Started) })
	byOrigin := make(map[string][]Exchange)
	var order []string
	for i := range entries {
		e, ok := entries[i].exchange()
		if !ok {
			continue
		}
		at := e.URL.Scheme + "://" + e.URL.Host
		if byOrigin[at] == nil {
			order = append(order, at)
		}
		byOrigin[at] = append(byOrigin[at], e)
	}
	for _, at := range order {
		if len(attempts(byOrigin[at])) > 0 {
			return byOrigin[at], at, lacksCookies(byOrigin[at]), nil
		}
	}
	return nil, "", false, ErrNothing
}

// lacksCookies reports whether an archive has no cookie and no credential at all.
func lacksCookies(exchanges []Exchange) bool {
	return !slices.ContainsFunc(exchanges, func(e Exchange) bool {
		return e.Header.Get("Cookie") != "" || e.Header.Get("Authorization") != "" || e.Answer.Get("Set-Cookie") != ""
	})
}

// exchange converts an entry, and reports whether it is one over HTTP that was answered.
func (h *harEntry) exchange() (e Exchange, ok bool) {
	address, err := url.Parse(h.Request.URL)
	if err != nil || address.Scheme != "http" && address.Scheme != "https" || h.Response.Status < 100 {
		return Exchange{}, false
	}
	e = Exchange{
		Method: strings.ToUpper(h.Request.Method), URL: address, Header: harHeaders(h.Request.Headers),
		Status: h.Response.Status, Answer: harHeaders(h.Response.Headers), Content: []byte(h.Response.Content.Text),
	}
	if h.Response.Content.Encoding == "base64" {
		if plain, err := base64.StdEncoding.DecodeString(h.Response.Content.Text); err == nil {
			e.Content = plain
		}
	}
	if e.Answer.Get("Content-Type") == "" && h.Response.Content.MimeType != "" {
		e.Answer.Set("Content-Type", h.Response.Content.MimeType)
	}
	e.Content = e.Content[:min(len(e.Content), login.AnswerLimit)]
	if data := h.Request.PostData; data != nil {
		e.Body = []byte(data.Text)
		if e.Header.Get("Content-Type") == "" {
			e.Header.Set("Content-Type", data.MimeType)
		}
		if len(data.Params) > 0 && data.Text == "" {
			e.Body = []byte(harForm(data.Params).Encode())
			e.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	return e, true
}

// harHeaders makes a header of a list. Names that HTTP/2 has beside them (`:path`) are left out. A value of Set-Cookie
// may have several lines (Firefox).
func harHeaders(list []harHeader) http.Header {
	header := make(http.Header)
	for _, one := range list {
		if one.Name == "" || strings.HasPrefix(one.Name, ":") {
			continue
		}
		for _, value := range strings.Split(one.Value, "\n") {
			header.Add(one.Name, strings.TrimSpace(value))
		}
	}
	return header
}

// harForm makes a form of parameters, which browsers write decoded or not.
func harForm(parameters []harHeader) url.Values {
	values := make(url.Values)
	for _, one := range parameters {
		name, value := one.Name, one.Value
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		values.Add(name, value)
	}
	return values
}
