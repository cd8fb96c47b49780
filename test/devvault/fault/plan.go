package fault

import (
	"sync"
)

// plan is the list of faults in force, with how often each was used.
type plan struct {
	mutex   sync.Mutex
	faults  []Fault
	seen    []int         // matching requests so far, of each fault
	cleared chan struct{} // closed when this list is replaced
}

func newPlan() *plan {
	return &plan{cleared: make(chan struct{})}
}

// set replaces the list and ends the waits that the old one has begun.
func (p *plan) set(faults []Fault) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	close(p.cleared)
	p.cleared = make(chan struct{})
	p.faults = append([]Fault(nil), faults...)
	p.seen = make([]int, len(faults))
}

// list returns a copy of what was set last.
func (p *plan) list() []Fault {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return append([]Fault{}, p.faults...)
}

// take finds the fault for a request and uses it once. The channel is closed when the list is replaced.
func (p *plan) take(method, path string) (fault Fault, cleared <-chan struct{}, struck bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for i, candidate := range p.faults {
		if !candidate.matches(method, path) {
			continue
		}
		if candidate.Times > 0 && p.seen[i] >= candidate.Skip+candidate.Times {
			continue
		}
		p.seen[i]++
		if p.seen[i] <= candidate.Skip {
			continue
		}
		return candidate, p.cleared, true
	}
	return Fault{}, nil, false
}
