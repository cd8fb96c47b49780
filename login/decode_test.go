package login

import (
	"bytes"
	"errors"
	"net/http"
	"testing"
)

func TestDecodeBody(t *testing.T) {
	hello := []byte("hello, hello, hello")
	gzipped := encode(t, "gzip", hello)
	for _, test := range []struct {
		what  string
		lines []string
		raw   []byte
		err   error
	}{
		{"none", nil, hello, nil},
		{"identity", []string{"identity, "}, hello, nil},
		{"gzip", []string{"GZip"}, gzipped, nil},
		{"x-gzip", []string{"x-gzip"}, gzipped, nil},
		{"deflate", []string{"deflate"}, encode(t, "deflate", hello), nil},
		{"bare deflate", []string{"deflate"}, encode(t, "raw", hello), nil},
		{"br", []string{"br"}, encode(t, "br", hello), nil},
		{"zstd", []string{"zstd"}, encode(t, "zstd", hello), nil},
		{"chained on one line", []string{"gzip, br"}, encode(t, "br", gzipped), nil},
		{"chained on two lines", []string{"gzip", "br"}, encode(t, "br", gzipped), nil},
		{"in the wrong order", []string{"br, gzip"}, encode(t, "br", gzipped), ErrEncoding},
		{"unknown", []string{"compress"}, hello, ErrEncoding},
		{"unknown in the chain", []string{"aes128gcm, gzip"}, gzipped, ErrEncoding},
		{"too many", []string{"gzip, gzip, gzip, gzip"}, gzipped, ErrEncoding},
		{"not gzip", []string{"gzip"}, hello, ErrEncoding},
		{"cut off", []string{"gzip"}, gzipped[:len(gzipped)-4], ErrEncoding},
		{"something behind", []string{"gzip"}, append(bytes.Clone(gzipped), "x"...), ErrEncoding},
		{"not deflate", []string{"deflate"}, []byte("\xff\xff\xff"), ErrEncoding},
		{"not br", []string{"br"}, []byte("\xff\xff\xff"), ErrEncoding},
		{"not zstd", []string{"zstd"}, hello, ErrEncoding},
	} {
		decoded, err := DecodeBody(http.Header{"Content-Encoding": test.lines}, test.raw, 100)
		if !errors.Is(err, test.err) || err == nil && !bytes.Equal(decoded, hello) {
			t.Errorf("%s: %q, %v", test.what, decoded, err)
		}
	}
	if decoded, err := DecodeBody(http.Header{"Content-Encoding": {"gzip"}}, nil, 100); err != nil || len(decoded) != 0 {
		t.Errorf("empty: %q, %v", decoded, err)
	}
}

// TestDecodeBomb: decoding a small body that expands to a large one stops at the limit.
func TestDecodeBomb(t *testing.T) {
	zeros := make([]byte, 4<<20)
	for _, coding := range []string{"gzip", "deflate", "br", "zstd"} {
		raw := encode(t, coding, zeros)
		header := http.Header{"Content-Encoding": {coding}}
		if _, err := DecodeBody(header, raw, AnswerLimit); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s, %d bytes: %v", coding, len(raw), err)
		}
	}
	if _, err := DecodeBody(nil, make([]byte, 101), 100); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}
