package match

// unescapeAll decodes until nothing is left to decode, or eight times, which is more often than any server does.
func unescapeAll(text string) string {
	for range 8 {
		again := unescape(text)
		if again == text {
			break
		}
		text = again
	}
	return text
}

// unescape decodes each well-formed %xx and leaves all else as it is: PHP and others decode what they can of
// `%73id%00%`, where net/url gives up.
func unescape(text string) string {
	var decoded []byte
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]) {
			if decoded == nil {
				decoded = append(make([]byte, 0, len(text)), text[:i]...)
			}
			decoded = append(decoded, unhex(text[i+1])<<4|unhex(text[i+2]))
			i += 2
			continue
		}
		if decoded != nil {
			decoded = append(decoded, text[i])
		}
	}
	if decoded == nil {
		return text
	}
	return string(decoded)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
