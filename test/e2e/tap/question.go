package tap

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// Question is a request that asks an app who is signed in, in one realm of accounts.
type Question struct {
	// Realm is the name of the realm. The same account name in two realms means two accounts.
	Realm string
	// Method defaults to GET. Target is a path with an optional query.
	Method, Target string
	// Body is the request's optional body, and Header has its headers.
	Body   string
	Header http.Header
	// Name reads the account's name from an answer; empty: a stranger.
	Name func(answer *http.Response, body []byte) string
	// Guests are names that the app gives strangers.
	Guests []string
}

// JSON returns a question whose answer has status 200 and the name at a JSON pointer such as /user/login.
func JSON(realm, target, pointer string) Question {
	return Question{Realm: realm, Method: http.MethodGet, Target: target, Name: func(answer *http.Response, body []byte) string {
		var value any
		if answer.StatusCode != http.StatusOK || json.Unmarshal(body, &value) != nil {
			return ""
		}
		for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
			object, _ := value.(map[string]any)
			value = object[name]
		}
		name, _ := value.(string)
		return name
	}}
}

// Body returns a question whose answer has status 200 and a text in which the pattern's first group is the name.
func Body(realm, target, pattern string) Question {
	compiled := regexp.MustCompile(pattern)
	return Question{Realm: realm, Method: http.MethodGet, Target: target, Name: func(answer *http.Response, body []byte) string {
		found := compiled.FindSubmatch(body)
		if answer.StatusCode != http.StatusOK || len(found) < 2 {
			return ""
		}
		return string(found[1])
	}}
}

// Header returns a question whose answer has the name in a header.
func Header(realm, target, header string) Question {
	return Question{Realm: realm, Method: http.MethodGet, Target: target, Name: func(answer *http.Response, _ []byte) string {
		return answer.Header.Get(header)
	}}
}

// names are the names of the accounts that are signed in, by realm. A realm without an account has no entry.
type names = map[string]string

// read returns the name in an answer; empty if it is not an account's.
func (q Question) read(answer *http.Response, body []byte) string {
	name := q.Name(answer, body)
	for _, guest := range q.Guests {
		if name == guest {
			return ""
		}
	}
	return name
}
