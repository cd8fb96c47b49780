package recovery

import (
	"encoding/base32"
	"strings"

	"sallyport.example/sallyport/factor"
)

const (
	codeBytes  = 10 // 80 bits (NIST SP 800-63B-4, 3.1.2 asks for 64 at least)
	codeLength = 16 // characters
	codeGroup  = 4
)

// alphabet leaves out i, l and o, which look like digits, and u, so that fewer codes spell words.
const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

var encoding = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// format puts dashes between groups of four.
func format(code string) string {
	var out strings.Builder
	for i := 0; i < len(code); i += codeGroup {
		if i > 0 {
			out.WriteByte('-')
		}
		out.WriteString(code[i:min(i+codeGroup, len(code))])
	}
	return out.String()
}

// parse turns a typed code into the form that is hashed: without separators, in lower case, and with i, l and o read as
// the digits that they look like.
func parse(typed string) (string, bool) {
	code := []byte(factor.PlainCode(typed))
	if len(code) != codeLength {
		return "", false
	}
	for i, c := range code {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		switch c {
		case 'o':
			c = '0'
		case 'i', 'l':
			c = '1'
		}
		if strings.IndexByte(alphabet, c) < 0 {
			return "", false
		}
		code[i] = c
	}
	return string(code), true
}
