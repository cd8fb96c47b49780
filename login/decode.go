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
)

// Readable reports whether DecodeBody undoes a content coding, as a client names it in Accept-Encoding.
func Readable(coding string) bool {
	switch strings.ToLower(coding) {
	case "gzip", "x-gzip", "deflate", "br", "zstd", "identity":
		return true
	}
	return false
}

var (
	// ErrEncoding says that the body is in a content coding that is not known, or is not what the coding's name says.
	ErrEncoding = errors.New("content encoding unknown or broken")
	// ErrTooLarge says that the decoded body is longer than the limit.
	ErrTooLarge = errors.New("body too large")
)

// codingLimit is the largest number of content codings on one body.
const codingLimit = 3

// DecodeBody undoes the content codings that the header names: gzip, deflate (with and without zlib's frame), br and
// zstd, also several. It returns at most limit bytes; a longer body is ErrTooLarge and never held whole in memory.
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
			return nil, err
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
		// RFC 9110 §8.4.1.2: meant is zlib's format, but some servers send bare deflate.
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
		return nil, ErrTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrEncoding, coding, err)
	}
	return decoded, nil
}
