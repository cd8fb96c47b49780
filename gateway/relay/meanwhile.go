package relay

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"os"
	"sync"
)

const (
	// spoolMemory is how much of an answer that goes on while the app is asked is kept in memory, in bytes; the rest of
	// it is kept in a file that has no name.
	spoolMemory = 1 << 20
	// spoolLimit is how much is kept at all. Then the app has to wait for its own word.
	spoolLimit = 64 << 20
)

// meanwhile takes an answer that has begun while the app is asked whose it is. Some apps cannot say before they have
// got rid of the answer: PHP keeps a session to itself until its script has ended, and a script that nobody reads does
// not end.
//
// The question is asked, and what was kept is sent on, by a goroutine of its own, to which the exchange belongs until
// over is closed. The handler's goroutine only adds to what is kept.
type meanwhile struct {
	over     chan struct{} // closed when the answer was decided, and what was kept was sent
	returned chan struct{} // closed when the handler has returned
	full     chan struct{} // closed when no more can be kept
	panicked any           // what the goroutine panicked with; to be read once over is closed
	err      error         // why what was kept could not be sent; likewise
	// behind are the headers that the handler sets behind the body: trailers. It is the handler's goroutine's until
	// over is closed. Were that to wait for it, an answer that the app has to get rid of first would never come to its
	// end.
	behind http.Header

	mutex  sync.Mutex
	kept   []byte
	file   *os.File // what did not fit into kept
	size   int64    // of the file, in bytes
	closed bool     // nothing more is kept: there is no room, or what was kept is on its way
	flush  bool     // the handler wants it to be seen now
	done   bool     // all that was kept was sent
}

// decideMeanwhile is decide beside the handler, whose answer goes on.
func (f *filter) decideMeanwhile() {
	m := &meanwhile{over: make(chan struct{}), returned: make(chan struct{}), full: make(chan struct{}), behind: make(http.Header)}
	f.early, f.meanwhile = true, m
	go func() {
		defer close(m.over)
		defer func() { m.panicked = recover() }()
		defer m.forget()
		f.decide()
		m.err = f.drain(m)
	}()
}

// drain sends what was kept. From then on nothing more is: a client that is slow would have all of a large answer kept.
func (f *filter) drain(m *meanwhile) error {
	if _, err := io.Copy(decided{f}, m.close()); err != nil {
		return err
	}
	if m.sent() {
		return f.flushDecided()
	}
	return nil
}

// decided writes what is sent of an answer that was decided.
type decided struct{ filter *filter }

// Write implements io.Writer.
func (d decided) Write(p []byte) (int, error) { return d.filter.writeDecided(p) }

// isOver reports whether the exchange is the handler's goroutine's again.
func (m *meanwhile) isOver() bool {
	select {
	case <-m.over:
		return true
	default:
		return false
	}
}

// close has nothing more be kept, and returns what was.
func (m *meanwhile) close() io.Reader {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.closed = true
	if m.file == nil {
		return bytes.NewReader(m.kept)
	}
	return io.MultiReader(bytes.NewReader(m.kept), io.NewSectionReader(m.file, 0, m.size))
}

// sent notes that all that was kept was sent. It reports whether it is to be seen now.
func (m *meanwhile) sent() (flush bool) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.done = true
	return m.flush
}

// forget gives the room back, for whatever reason the answer has come to its end.
func (m *meanwhile) forget() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.closed, m.done, m.kept = true, true, nil
	if m.file != nil {
		_ = m.file.Close()
	}
}

// add keeps a piece of the answer. It reports whether it did: not where the answer was decided, and not where there is
// no room.
func (m *meanwhile) add(p []byte) bool {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	switch {
	case m.closed:
		return false
	case m.file == nil && len(m.kept)+len(p) <= spoolMemory:
		m.kept = append(m.kept, p...)
		return true
	case m.size+int64(len(p)) <= spoolLimit && m.append(p) == nil:
		return true
	}
	m.closed = true
	close(m.full)
	return false
}

// append writes to the file. It is called with the mutex held.
func (m *meanwhile) append(p []byte) error {
	if m.file == nil {
		file, err := os.CreateTemp("", "sallyport-answer-*")
		if err != nil {
			return err
		}
		m.file = file
		if err := os.Remove(file.Name()); err != nil {
			return err
		}
	}
	n, err := m.file.Write(p)
	if err != nil {
		return err
	}
	m.size += int64(n)
	return nil
}

// wantsFlush notes that the handler wants what it wrote to be seen. It reports whether that has to wait.
func (m *meanwhile) wantsFlush() bool {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.flush = true
	return !m.done
}

// whole waits until the answer has come to its end. It reports whether it did; not where no more of it can be kept, and
// not once the stream was cut or the client has left.
func (f *filter) whole() bool {
	m := f.meanwhile
	if m == nil {
		return false
	}
	var ended <-chan struct{}
	if f.x.stream.site != nil { // else it is a stranger's, whose session cannot end
		ended = f.x.stream.ending.Done()
	}
	select {
	case <-m.returned:
		f.early = false
		return true
	case <-m.full:
	case <-ended:
	case <-f.x.R.Context().Done():
	}
	return false
}

// join waits until the exchange is the handler's goroutine's again.
func (f *filter) join() error {
	m := f.meanwhile
	if m == nil {
		return nil
	}
	<-m.over
	f.meanwhile = nil
	if f.mode != replaced {
		maps.Copy(f.x.W.Header(), m.behind)
	}
	if m.panicked != nil {
		panic(m.panicked)
	}
	return m.err
}

// handlerReturned says that nothing more comes of the answer.
func (f *filter) handlerReturned() {
	if m := f.meanwhile; m != nil {
		close(m.returned)
	}
}

// flushDecided shows the browser what was sent so far.
func (f *filter) flushDecided() error {
	switch f.mode {
	case replaced:
		return errReplaced
	case asking:
		if err := f.sendAsked(); err != nil {
			return err
		}
	}
	if err := f.sendHeld(); err != nil {
		return err
	}
	return http.NewResponseController(f.x.W).Flush()
}

// writeDecided sends a piece of an answer that was decided.
func (f *filter) writeDecided(p []byte) (int, error) {
	switch f.mode {
	case replaced:
		return 0, errReplaced
	case asking:
		if f.waiting.Body.Len()+len(p) > HoldLimit {
			if err := f.sendAsked(); err != nil {
				return 0, err
			}
		}
		return f.waiting.Body.Write(p)
	}
	return f.send(p)
}
