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
	// spoolMemory is how many bytes of an answer are kept in memory while the app is asked; the rest is kept in a file
	// without a name.
	spoolMemory = 1 << 20
	// spoolLimit is how many bytes are kept at all. After that the app has to wait until it was asked.
	spoolLimit = 64 << 20
)

// meanwhile keeps the rest of an answer while the app is asked whose it is. Some apps cannot say so before they have
// sent the whole answer: PHP locks a session until its script has ended, and a script whose output nobody reads does
// not end.
//
// A separate goroutine asks the question and sends what was kept. The exchange belongs to that goroutine until over is
// closed; the handler's goroutine only adds to what is kept.
type meanwhile struct {
	over     chan struct{} // closed when the answer was decided, and what was kept was sent
	returned chan struct{} // closed when the handler has returned
	full     chan struct{} // closed when no more can be kept
	panicked any           // what the goroutine panicked with; to be read after over is closed
	err      error         // why what was kept could not be sent; to be read after over is closed
	// behind are the trailers that the handler sets. The map belongs to the handler's goroutine until over is closed.
	// If that goroutine waited for over instead, an answer that the app has to send first would never end.
	behind http.Header

	mutex  sync.Mutex
	kept   []byte
	file   *os.File // what did not fit into kept
	size   int64    // of the file, in bytes
	closed bool     // nothing more is kept: there is no room, or what was kept is being sent
	flush  bool     // the handler wants the browser to see it now
	done   bool     // all that was kept was sent
}

// decideMeanwhile runs decide in a second goroutine, while the handler goes on.
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

// drain sends what was kept. Nothing more is kept afterwards; otherwise a slow client could make the gateway keep all
// of a large answer.
func (f *filter) drain(m *meanwhile) error {
	if _, err := io.Copy(decided{f}, m.close()); err != nil {
		return err
	}
	if m.sent() {
		return f.flushDecided()
	}
	return nil
}

// decided is an io.Writer for the pieces of an answer that was decided.
type decided struct{ filter *filter }

// Write implements io.Writer.
func (d decided) Write(p []byte) (int, error) { return d.filter.writeDecided(p) }

// isOver reports whether the exchange belongs to the handler's goroutine again.
func (m *meanwhile) isOver() bool {
	select {
	case <-m.over:
		return true
	default:
		return false
	}
}

// close stops keeping more, and returns what was kept.
func (m *meanwhile) close() io.Reader {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.closed = true
	if m.file == nil {
		return bytes.NewReader(m.kept)
	}
	return io.MultiReader(bytes.NewReader(m.kept), io.NewSectionReader(m.file, 0, m.size))
}

// sent notes that all that was kept was sent. It reports whether the browser is to see it now.
func (m *meanwhile) sent() (flush bool) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.done = true
	return m.flush
}

// forget frees memory and file when the answer has ended, for whatever reason.
func (m *meanwhile) forget() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.closed, m.done, m.kept = true, true, nil
	if m.file != nil {
		_ = m.file.Close()
	}
}

// add keeps a piece of the answer. It reports false if the answer was decided, or if there is no room.
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

// wantsFlush notes that the handler has flushed. It reports whether the flush has to wait.
func (m *meanwhile) wantsFlush() bool {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.flush = true
	return !m.done
}

// whole waits for the end of the answer and reports whether it came. It returns false if no more of the answer can be
// kept, the stream was cut, or the client left.
func (f *filter) whole() bool {
	m := f.meanwhile
	if m == nil {
		return false
	}
	var ended <-chan struct{}
	if f.x.stream.site != nil { // Without a site the stream is a stranger's, whose session cannot end.
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

// join waits until the exchange belongs to the handler's goroutine again.
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

// handlerReturned notes that no more of the answer will come.
func (f *filter) handlerReturned() {
	if m := f.meanwhile; m != nil {
		close(m.returned)
	}
}

// flushDecided flushes what was sent so far to the browser.
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
