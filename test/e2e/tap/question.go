package tap

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// Question is how an app is asked who is signed in, in one realm of accounts.
type Question struct {
	// Realm tells the question from others; the name that a realm answers with counts in it alone.
	Realm string
	// Method defaults to GET. Target is a path, perhaps with a query.
	Method, Target string
	// Body goes with it, if there is one, in the form that Header says.
	Body   string
	Header http.Header
	// Name reads the account's name from an answer; empty: a stranger.
	Name func(answer *http.Response, body []byte) string
	// Guests are names that stand for strangers.
	Guests []string
}

// JSON asks for an answer of 200 with the name at a pointer such as /user/login.
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

// Body asks for an answer of 200 in whose text the pattern's first group is the name.
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

// Header asks for an answer with the name in a header.
func Header(realm, target, header string) Question {
	return Question{Realm: realm, Method: http.MethodGet, Target: target, Name: func(answer *http.Response, _ []byte) string {
		return answer.Header.Get(header)
	}}
}

// names are what an app calls somebody, by realm. It has no entry for a realm in which they are a stranger.
type names = map[string]string

// read is the name in an answer, if it is one of an account.
func (q Question) read(answer *http.Response, body []byte) string {
	name := q.Name(answer, body)
	for _, guest := range q.Guests {
		if name == guest {
			return ""
		}
	}
	return name
}
