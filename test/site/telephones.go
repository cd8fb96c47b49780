package site

import (
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"testing"
)

// Telephones is a gateway for text messages that keeps the last code that came to each number. It refuses what has no
// code.
type Telephones struct {
	address string

	mutex sync.Mutex
	last  map[string]string
	next  int
}

// boundCode is the last line of a text message: the host, and the code.
var boundCode = regexp.MustCompile(`@localhost #(\d{6})$`)

// NewTelephones runs one, for sites at localhost.
func NewTelephones(t testing.TB) *Telephones {
	t.Helper()
	p := &Telephones{last: map[string]string{}}
	p.address = Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found := boundCode.FindStringSubmatch(r.FormValue("text"))
		if found == nil {
			http.Error(w, "no code", http.StatusBadRequest)
			return
		}
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.last[r.FormValue("to")] = found[1]
	}))
	return p
}

// Line is the line of the global block that sends text messages there.
func (p *Telephones) Line() string {
	return "sms http http://" + p.address + "/send {\n\tmethod POST\n\tbody form to={sms.to}&text={sms.text}\n\tsuccess status 200\n}\n"
}

// Number returns the number of another telephone.
func (p *Telephones) Number() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.next++
	return fmt.Sprintf("+3584012%05d", p.next)
}

// Code returns the last code that came to a number; empty if none has.
func (p *Telephones) Code(number string) string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.last[number]
}
