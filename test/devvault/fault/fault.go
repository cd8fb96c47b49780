package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Places where a connection can be cut.
const (
	Before = "before" // the request never reaches Vault
	After  = "after"  // Vault has done what it was asked, the answer is lost
)

// ErrInvalid says that a fault contradicts itself or does nothing.
var ErrInvalid = errors.New("invalid fault")

// Fault is one thing that goes wrong. A field with its zero value has no effect. If several faults match a request,
// only the first one that is not used up applies.
type Fault struct {
	// Method is GET, PUT, POST, DELETE, PATCH or LIST; a GET with ?list=true is a LIST, as Vault takes it. Empty: any.
	Method string `json:"method,omitempty"`
	// Path is a glob over the whole path, such as /v1/secret/data/*; a star stands for any text, slashes too. Empty:
	// any.
	Path string `json:"path,omitempty"`
	// Skip lets this many matching requests pass first.
	Skip int `json:"skip,omitempty"`
	// Times is how many requests the fault applies to after these; 0: until it is cleared.
	Times int `json:"times,omitempty"`
	// Delay is the wait before Vault gets the request. If the client gives up meanwhile its request is dropped, unless
	// Late is set. Clearing the faults ends the wait, and the request goes on as if there were no fault.
	Delay Duration `json:"delay,omitempty"`
	// Late passes the request on to Vault after the delay even if its client has gone, which simulates a write that is
	// made after its caller has given up.
	Late bool `json:"late,omitempty"`
	// DelayAnswer is the wait between Vault's answer and its sending to the client: Vault has made the change, and the
	// client does not know it yet. It ends like Delay.
	DelayAnswer Duration `json:"delay_answer,omitempty"`
	// Status is the status of an answer that replaces Vault's, in Vault's error format.
	Status int `json:"status,omitempty"`
	// Message is the error's text with Status. Empty: Vault's own text with 429 and 503, else the name of the status.
	Message string `json:"message,omitempty"`
	// RetryAfter is the Retry-After header with Status, in seconds. 0: 1 with status 429, else none.
	RetryAfter int `json:"retry_after,omitempty"`
	// Body is the whole answer with Status, instead of an error in Vault's format: JSON that Vault never sends, or the
	// HTML of a proxy on the way.
	Body string `json:"body,omitempty"`
	// Cut resets the connection (TCP RST): Before or After.
	Cut string `json:"cut,omitempty"`
	// Half sends half of the body of Vault's answer and closes the connection.
	Half bool `json:"half,omitempty"`
}

// Validate returns an error that wraps ErrInvalid when the fault contradicts itself or does nothing.
func (f Fault) Validate() error {
	switch {
	case f.Skip < 0 || f.Times < 0 || f.Delay < 0 || f.DelayAnswer < 0 || f.RetryAfter < 0:
		return fmt.Errorf("%w: negative number", ErrInvalid)
	case f.Cut != "" && f.Cut != Before && f.Cut != After:
		return fmt.Errorf("%w: cut is %q or %q, not %q", ErrInvalid, Before, After, f.Cut)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return fmt.Errorf("%w: status %d", ErrInvalid, f.Status)
	case f.Status == 0 && (f.Body != "" || f.Message != "" || f.RetryAfter != 0):
		return fmt.Errorf("%w: body, message and retry_after need a status", ErrInvalid)
	case f.Late && f.Delay == 0:
		return fmt.Errorf("%w: late needs a delay", ErrInvalid)
	case f.Path != "" && !strings.HasPrefix(f.Path, "/") && !strings.HasPrefix(f.Path, "*"):
		return fmt.Errorf("%w: path %q does not begin with a slash or a star", ErrInvalid, f.Path)
	}
	endings := 0
	for _, set := range []bool{f.Status != 0, f.Cut != "", f.Half} {
		if set {
			endings++
		}
	}
	if endings > 1 {
		return fmt.Errorf("%w: only one of status, cut and half", ErrInvalid)
	}
	if f.DelayAnswer != 0 && (f.Status != 0 || f.Cut == Before) {
		return fmt.Errorf("%w: no answer of Vault to delay", ErrInvalid)
	}
	if endings == 0 && f.Delay == 0 && f.DelayAnswer == 0 {
		return fmt.Errorf("%w: it does nothing", ErrInvalid)
	}
	return nil
}

// matches reports whether the fault is for such a request, used up or not.
func (f Fault) matches(method, path string) bool {
	return (f.Method == "" || strings.EqualFold(f.Method, method)) && (f.Path == "" || glob(f.Path, path))
}

// message returns the text of the error in the answer.
func (f Fault) message() string {
	switch {
	case f.Message != "":
		return f.Message
	case f.Status == http.StatusServiceUnavailable:
		return "Vault is sealed"
	case f.Status == http.StatusTooManyRequests:
		return "request path: rate limit quota exceeded"
	default:
		return strings.ToLower(http.StatusText(f.Status))
	}
}

// Duration is a time.Duration with the JSON form of time.ParseDuration: "1.5s".
type Duration time.Duration

// MarshalJSON writes "1.5s".
func (d Duration) MarshalJSON() ([]byte, error) {
	return json.Marshal(time.Duration(d).String())
}

// UnmarshalJSON reads what MarshalJSON writes and nothing else: a bare number has no unit.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var written string
	if err := json.Unmarshal(text, &written); err != nil {
		return fmt.Errorf("a duration is a text such as \"1.5s\": %w", err)
	}
	parsed, err := time.ParseDuration(written)
	if err != nil {
		return err
	}
	*d = Duration(parsed)
	return nil
}

// glob matches text against a pattern in which a star matches any text. It needs linear memory and no recursion.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(text, first) {
		return false
	}
	text = text[len(first):]
	if len(text) < len(last) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[:len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return true
}
