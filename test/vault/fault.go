package vault

import (
	"encoding/json"
	"strings"
	"time"
)

// Places where a fault can cut a connection.
const (
	Before = "before" // the request never reaches Vault
	After  = "after"  // Vault has done what it was asked, the answer is lost
)

// Fault is one thing that goes wrong between a client and Vault; devvault's README has the same table. A field with its
// zero value has no effect. If several faults match a request, the first one that is not used up applies. A fault may
// have one of Status, Cut and Half; a contradictory fault ends the test.
type Fault struct {
	// Method is GET, PUT, POST, DELETE, PATCH or LIST (a GET with ?list=true). Empty: any. Vault's client writes with
	// PUT.
	Method string
	// Path is a glob over the whole path, such as /v1/secret/data/*. Empty: any.
	Path string
	// Skip lets this many matching requests pass first.
	Skip int
	// Times is how many requests the fault applies to after these. 0: until it is cleared.
	Times int
	// Delay is the wait before Vault gets the request. Clear ends the wait, and the request goes on as if there were no
	// fault. If the client gives up, its request is dropped, unless Late is set: then Vault still gets it after the
	// delay.
	Delay time.Duration
	Late  bool
	// DelayAnswer is the wait after Vault has carried the request out.
	DelayAnswer time.Duration
	// Status is the status of an answer that replaces Vault's, with Message or a suitable one as its error, or with
	// Body as the whole answer.
	Status  int
	Message string
	Body    string
	// RetryAfter is the Retry-After header with Status, in seconds. 0: 1 with status 429, else none.
	RetryAfter int
	// Cut resets the connection, Before or After.
	Cut string
	// Half sends half of Vault's answer and closes the connection.
	Half bool
}

// MarshalJSON writes the form that devvault reads.
func (f Fault) MarshalJSON() ([]byte, error) {
	written := map[string]any{}
	for name, value := range map[string]string{
		"method": f.Method, "path": f.Path, "message": f.Message, "body": f.Body, "cut": f.Cut,
		"delay": text(f.Delay), "delay_answer": text(f.DelayAnswer),
	} {
		if value != "" {
			written[name] = value
		}
	}
	for name, value := range map[string]int{"skip": f.Skip, "times": f.Times, "status": f.Status, "retry_after": f.RetryAfter} {
		if value != 0 {
			written[name] = value
		}
	}
	for name, value := range map[string]bool{"late": f.Late, "half": f.Half} {
		if value {
			written[name] = value
		}
	}
	return json.Marshal(written)
}

// text returns a duration as devvault reads it; "" for none.
func text(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// Count is the number of requests with a method and path.
type Count struct {
	Method string `json:"method"` // LIST for a GET with ?list=true
	Path   string `json:"path"`   // without the query
	Count  int    `json:"count"`
}

// Requests are the counts of a node's requests, in the order of path and method.
type Requests []Count

// Total returns the sum of all counts.
func (r Requests) Total() int { return r.Of("", "") }

// Of returns the sum of the counts with the method (empty: any) and a path that begins with prefix.
func (r Requests) Of(method, prefix string) int {
	sum := 0
	for _, count := range r {
		if (method == "" || method == count.Method) && strings.HasPrefix(count.Path, prefix) {
			sum += count.Count
		}
	}
	return sum
}
