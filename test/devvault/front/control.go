package front

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"sallyport.example/sallyport/test/devvault/fault"
)

// Node is one server that the control address controls. For a nil field the answer is 501.
type Node struct {
	Listener *Listener
	Layer    *fault.Layer
	Seal     func() error // this node alone
	Unseal   func() error
	// Status returns the status of Vault's health check: 200 active, 429 standby, 501 not initialised, 503 sealed.
	Status func() int
}

// Control is the handler of the control address:
//
//	GET, POST /faults              the list of faults in force; [] clears
//	GET, DELETE /requests          counts of the requests that clients made
//	POST /seal, /unseal
//	POST /down, /up                the listener closes with its connections, and comes back on the same port
//	POST /certificate              a Replacement, or nothing; answers {"ca_cert": file}
//	GET /health                    {"status": n}, see Node
//
// A standby's stand below /standby. Seal, unseal, down and up move one node each. Whoever can reach the address may do
// all of this, so it is for loopback only.
func Control(active, standby *Node, authority *Authority) http.Handler {
	mux := http.NewServeMux()
	active.routes(mux, "")
	if standby != nil {
		standby.routes(mux, "/standby")
	}
	mux.HandleFunc("POST /certificate", func(w http.ResponseWriter, r *http.Request) {
		if authority == nil {
			fail(w, http.StatusNotImplemented, "no TLS here")
			return
		}
		var how Replacement
		if !read(w, r, &how) {
			return
		}
		if err := authority.Replace(how); err != nil {
			fail(w, http.StatusInternalServerError, err.Error())
			return
		}
		reply(w, map[string]string{"ca_cert": authority.File()})
	})
	return mux
}

// routes adds the addresses of one node.
func (n *Node) routes(mux *http.ServeMux, prefix string) {
	mux.HandleFunc("GET "+prefix+"/faults", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, n.Layer.Faults())
	})
	mux.HandleFunc("POST "+prefix+"/faults", func(w http.ResponseWriter, r *http.Request) {
		var faults []fault.Fault
		if !read(w, r, &faults) {
			return
		}
		if err := n.Layer.Set(faults); err != nil {
			fail(w, http.StatusBadRequest, err.Error())
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET "+prefix+"/requests", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, n.Layer.Requests())
	})
	mux.HandleFunc("DELETE "+prefix+"/requests", func(w http.ResponseWriter, _ *http.Request) {
		n.Layer.Reset()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET "+prefix+"/health", func(w http.ResponseWriter, _ *http.Request) {
		if n.Status == nil {
			fail(w, http.StatusNotImplemented, "not possible with this server")
			return
		}
		reply(w, map[string]int{"status": n.Status()})
	})
	mux.HandleFunc("POST "+prefix+"/seal", act(n.Seal))
	mux.HandleFunc("POST "+prefix+"/unseal", act(n.Unseal))
	mux.HandleFunc("POST "+prefix+"/down", act(n.Listener.Down))
	mux.HandleFunc("POST "+prefix+"/up", act(n.Listener.Up))
}

// act runs one action and answers when it is done.
func act(action func() error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if action == nil {
			fail(w, http.StatusNotImplemented, "not possible with this server")
			return
		}
		if err := action(); err != nil {
			fail(w, http.StatusInternalServerError, err.Error())
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// read reads a JSON body strictly: with a misspelt fault, which does nothing, a test would pass without testing
// anything. An empty body leaves the value unchanged.
func read(w http.ResponseWriter, r *http.Request, value any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(value); err != nil && !errors.Is(err, io.EOF) {
		fail(w, http.StatusBadRequest, fmt.Sprintf("reading the body: %v", err))
		return false
	}
	return true
}

func reply(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func fail(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": text})
}
