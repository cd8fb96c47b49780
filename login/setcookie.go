package login

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"sallyport.example/sallyport/internal/match"
)

// setsCookie reports whether the answer leaves the browser with a cookie whose name fits the glob. Lines count in their
// order: apps delete a cookie and set it again in one answer, and the other way round.
func setsCookie(a *Answer, name match.Glob) bool {
	lines := a.SetCookies
	if lines == nil {
		lines = a.Header["Set-Cookie"]
	}
	alive := map[string]bool{}
	for _, line := range lines {
		pair, attributes, _ := strings.Cut(line, ";")
		key, value, _ := strings.Cut(pair, "=")
		key, value = strings.Trim(key, " \t"), strings.Trim(value, " \t\"")
		if !name.Match(key) {
			continue
		}
		scope, deleted := readAttributes(attributes, a.Header)
		alive[key+"\x00"+scope] = !deleted && value != "" && value != "deleted"
	}
	for _, is := range alive {
		if is {
			return true
		}
	}
	return false
}

// readAttributes returns what tells two cookies of one name apart, and whether the line deletes.
func readAttributes(attributes string, header http.Header) (scope string, deleted bool) {
	var path, domain string
	maxAge, expires := "", ""
	for attribute := range strings.SplitSeq(attributes, ";") {
		key, value, _ := strings.Cut(attribute, "=")
		value = strings.Trim(value, " \t")
		switch strings.ToLower(strings.Trim(key, " \t")) {
		case "path":
			path = value
		case "domain":
			domain = strings.ToLower(strings.TrimPrefix(value, "."))
		case "max-age":
			maxAge = value
		case "expires":
			expires = value
		}
	}
	scope = path + "\x00" + domain
	if seconds, err := strconv.ParseInt(maxAge, 10, 64); err == nil {
		return scope, seconds <= 0
	}
	at, ok := cookieTime(expires)
	if !ok {
		return scope, false
	}
	now, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return scope, !at.After(now)
}

// cookieTime reads the date formats that apps send.
func cookieTime(value string) (time.Time, bool) {
	for _, layout := range []string{time.RFC1123, "Mon, 02-Jan-2006 15:04:05 MST", "Mon, 2 Jan 2006 15:04:05 MST", "Mon, 02-Jan-06 15:04:05 MST", "Monday, 02-Jan-06 15:04:05 MST", time.ANSIC} {
		if at, err := time.Parse(layout, value); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
