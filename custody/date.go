package custody

import (
	"strings"
	"time"
)

// maxMaxAge bounds Max-Age, in seconds: the 400 days that browsers allow (RFC 6265bis §5.5). Custody never outlives its
// session, so the bound only keeps the sum a valid time.
const maxMaxAge = 400 * 24 * 60 * 60

// parseMaxAge reads a Max-Age attribute (RFC 6265 §5.2.2). A value that is no whole number is ignored.
func parseMaxAge(text string) (seconds int64, ok bool) {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" {
		return 0, false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
		seconds = min(seconds*10+int64(digits[i]-'0'), maxMaxAge)
	}
	if len(digits) < len(text) {
		seconds = -seconds
	}
	return seconds, true
}

// parseDate reads a cookie's date by the algorithm of RFC 6265 §5.1.1, which browsers follow: the tokens may be in any
// order, and the first of each kind counts. The time is in UTC.
func parseDate(text string) (date time.Time, ok bool) {
	var clock struct{ hour, minute, second int }
	var hasClock, hasDay, hasMonth, hasYear bool
	var day, month, year int
	for text != "" {
		end := 0
		for end < len(text) && !isDateDelimiter(text[end]) {
			end++
		}
		token := text[:end]
		text = text[min(end+1, len(text)):]
		if token == "" {
			continue
		}
		if !hasClock {
			if clock.hour, clock.minute, clock.second, hasClock = parseClock(token); hasClock {
				continue
			}
		}
		if !hasDay {
			if day, hasDay = leadingNumber(token, 1, 2); hasDay {
				continue
			}
		}
		if !hasMonth {
			if month, hasMonth = parseMonth(token); hasMonth {
				continue
			}
		}
		if !hasYear {
			year, hasYear = leadingNumber(token, 2, 4)
		}
	}
	switch {
	case year >= 70 && year <= 99:
		year += 1900
	case year >= 0 && year <= 69:
		year += 2000
	}
	if !hasClock || !hasDay || !hasMonth || !hasYear || year < 1601 || clock.hour > 23 || clock.minute > 59 || clock.second > 59 {
		return time.Time{}, false
	}
	date = time.Date(year, time.Month(month), day, clock.hour, clock.minute, clock.second, 0, time.UTC)
	return date, day >= 1 && date.Day() == day // there is no 31st of February
}

// validExpiry reports whether a time can be the result of parseDate or a Max-Age.
func validExpiry(expires time.Time) bool {
	year := expires.Year()
	return year >= 1601 && year <= 9999
}

func isDateDelimiter(c byte) bool {
	return c == '\t' || ' ' <= c && c <= '/' || ';' <= c && c <= '@' || '[' <= c && c <= '`' || '{' <= c && c <= '~'
}

// leadingNumber reads a number with the given least and most digits. No digit may follow; anything else may.
func leadingNumber(token string, least, most int) (number int, ok bool) {
	digits := 0
	for digits < len(token) && '0' <= token[digits] && token[digits] <= '9' {
		if digits == most {
			return 0, false
		}
		number = number*10 + int(token[digits]-'0')
		digits++
	}
	return number, digits >= least
}

func parseClock(token string) (hour, minute, second int, ok bool) {
	first, rest, found := strings.Cut(token, ":")
	if !found {
		return 0, 0, 0, false
	}
	middle, last, found := strings.Cut(rest, ":")
	if !found || !digitsOnly(first) || !digitsOnly(middle) {
		return 0, 0, 0, false
	}
	hour, okHour := leadingNumber(first, 1, 2)
	minute, okMinute := leadingNumber(middle, 1, 2)
	second, okSecond := leadingNumber(last, 1, 2)
	return hour, minute, second, okHour && okMinute && okSecond
}

func digitsOnly(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

func parseMonth(token string) (month int, ok bool) {
	if len(token) < 3 {
		return 0, false
	}
	at := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(token[:3]))
	return at/3 + 1, at >= 0 && at%3 == 0
}
