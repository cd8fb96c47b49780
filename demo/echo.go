package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// sourceLimit bounds an answer of /source, in bytes.
const sourceLimit = 16 << 30

// Echo is the answer of /echo: the request as it reached the app.
type Echo struct {
	Login  string `json:"login"`
	Method string `json:"method"`
	// URI is the request target byte for byte.
	URI   string `json:"uri"`
	Host  string `json:"host"`
	Proto string `json:"proto"`
	// Header has the names in Go's canonical spelling (underscores stay) and the values as they came.
	Header http.Header `json:"header"`
	// Cookie holds the values of all Cookie headers, unparsed.
	Cookie []string `json:"cookie"`
	// ContentLength is the announced length; -1 if none was announced.
	ContentLength    int64    `json:"content_length"`
	TransferEncoding []string `json:"transfer_encoding"`
	// BodyLength and BodySHA256 (hexadecimal) are of the bytes received.
	BodyLength int64  `json:"body_length"`
	BodySHA256 string `json:"body_sha256"`
}

func (a *App) echo(w http.ResponseWriter, r *http.Request, who visitor) {
	length, sum, ok := digest(w, r)
	if !ok {
		return
	}
	writeJSON(w, http.StatusOK, Echo{
		Login: who.login, Method: r.Method, URI: r.RequestURI, Host: r.Host, Proto: r.Proto,
		Header: r.Header, Cookie: r.Header["Cookie"],
		ContentLength: r.ContentLength, TransferEncoding: r.TransferEncoding,
		BodyLength: length, BodySHA256: sum,
	})
}

// sink reads a body of any length without keeping it.
func (a *App) sink(w http.ResponseWriter, r *http.Request, _ visitor) {
	if length, sum, ok := digest(w, r); ok {
		writeJSON(w, http.StatusOK, map[string]any{"bytes": length, "sha256": sum})
	}
}

// digest reads the body to its end. If that fails it answers the request and returns false.
func digest(w http.ResponseWriter, r *http.Request) (length int64, sum string, ok bool) {
	hash := sha256.New()
	length, err := io.Copy(hash, r.Body)
	if err != nil {
		writeError(w, http.StatusBadRequest, "the body broke off")
		return 0, "", false
	}
	return length, hex.EncodeToString(hash.Sum(nil)), true
}

// source sends so many bytes: the letters a to p again and again.
func (a *App) source(w http.ResponseWriter, r *http.Request, _ visitor) {
	length, err := strconv.ParseInt(r.URL.Query().Get("bytes"), 10, 64)
	if err == nil && (length < 0 || length > sourceLimit) {
		err = errors.New("out of range")
	}
	if err != nil {
		writeError(w, http.StatusBadRequest, "bytes is a number up to 16 GiB")
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
	block := make([]byte, 32<<10)
	for i := range block {
		block[i] = 'a' + byte(i%16)
	}
	for length > 0 {
		n, err := w.Write(block[:min(length, int64(len(block)))])
		if err != nil {
			return
		}
		length -= int64(n)
	}
}
