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

// Fault is one thing that goes wrong between a client and Vault; devvault's README has the same table. The zero value
// of a field means that it plays no part. Of several faults that match a request the first that is not used up is
// taken. It may have one of Status, Cut and Half; one that contradicts itself ends the test.
type Fault struct {
	// Method is GET, PUT, POST, DELETE, PATCH or LIST (a GET with ?list=true). Empty: any. Vault's client writes with
	// PUT.
	Method string
	// Path is a glob over the whole path, such as /v1/secret/data/*. Empty: any.
	Path string
	// Skip lets so many matching requests pass first.
	Skip int
	// Times is how many are struck after these. 0: until it is cleared.
	Times int
	// Delay is waited before Vault sees the request. Clear ends the wait, and the request goes on as if nothing had
	// been. A client that goes away takes its request along, unless Late is set: then Vault still gets it after the
	// delay.
	Delay time.Duration
	Late  bool
	// DelayAnswer is waited when Vault has done what it was asked.
	DelayAnswer time.Duration
	// Status is answered in Vault's place, with Message or a fitting one as its error, or with Body as the whole
	// answer.
	Status  int
	Message string
	Body    string
	// RetryAfter is that header with Status, in seconds. 0: 1 with 429, else none.
	RetryAfter int
	// Cut resets the connection, Before or After.
	Cut string
	// Half sends half of Vault's answer and hangs up.
	Half bool
}

// MarshalJSON writes what devvault reads.
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

// text is a duration as devvault reads it; "" for none.
func text(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// Count is how often clients asked for a method and path.
type Count struct {
	Method string `json:"method"` // LIST for a GET with ?list=true
	Path   string `json:"path"`   // without the query
	Count  int    `json:"count"`
}

// Requests are the counts of a node's requests, in the order of path and method.
type Requests []Count

// Total is the sum of all.
func (r Requests) Total() int { return r.Of("", "") }

// Of is the sum of those with the method (empty: any) and a path that begins with prefix.
func (r Requests) Of(method, prefix string) int {
	sum := 0
	for _, count := range r {
		if (method == "" || method == count.Method) && strings.HasPrefix(count.Path, prefix) {
			sum += count.Count
		}
	}
	return sum
}
