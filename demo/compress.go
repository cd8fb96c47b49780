package demo

import (
	"compress/gzip"
	"net/http"
	"strings"
)

func acceptsGzip(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && r.Header.Get("Upgrade") == "" && r.Method != http.MethodHead
}

// gzipWriter compresses an answer. The server's other abilities are reached through Unwrap.
type gzipWriter struct {
	http.ResponseWriter
	begun bool
	zip   *gzip.Writer // nil: this answer is not compressed
}

// WriteHeader implements [http.ResponseWriter].
func (g *gzipWriter) WriteHeader(status int) {
	if status < http.StatusOK || g.begun {
		g.ResponseWriter.WriteHeader(status)
		return
	}
	g.begun = true
	header := g.Header()
	switch {
	case status == http.StatusNoContent, status == http.StatusNotModified, status == http.StatusPartialContent:
	case header.Get("Content-Encoding") != "", header.Get("Content-Type") == "text/event-stream":
	default:
		header.Set("Content-Encoding", "gzip")
		header.Add("Vary", "Accept-Encoding")
		header.Del("Content-Length")
		g.zip = gzip.NewWriter(g.ResponseWriter)
	}
	g.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (g *gzipWriter) Write(body []byte) (int, error) {
	if !g.begun {
		g.WriteHeader(http.StatusOK)
	}
	if g.zip == nil {
		return g.ResponseWriter.Write(body)
	}
	return g.zip.Write(body)
}

// FlushError sends what has been written so far.
func (g *gzipWriter) FlushError() error {
	if !g.begun {
		g.WriteHeader(http.StatusOK)
	}
	if g.zip != nil {
		if err := g.zip.Flush(); err != nil {
			return err
		}
	}
	return http.NewResponseController(g.ResponseWriter).Flush()
}

// Unwrap serves [http.ResponseController].
func (g *gzipWriter) Unwrap() http.ResponseWriter { return g.ResponseWriter }

// close ends the compressed stream. An error means that the client has hung up.
func (g *gzipWriter) close() {
	if !g.begun {
		g.WriteHeader(http.StatusOK)
	}
	if g.zip != nil {
		_ = g.zip.Close()
	}
}
