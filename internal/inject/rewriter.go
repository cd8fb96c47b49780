package inject

import (
	"bytes"
	"io"
)

// Rewriter passes an HTML document through to To and puts markup into it, each piece at most once. Its zero value with
// To and some markup is ready; it belongs to one document and one goroutine.
//
// At most six bytes are held back between calls, the beginning of what may become `</body>`, `<html>` or `<head>`;
// Flush lets them go. Where the pieces end up does not depend on how the document is cut into calls of Write.
//
// The markup must be ASCII, so that it reads the same in every encoding that the document may have (see Document), and
// should be whole elements: nothing of it is checked.
type Rewriter struct {
	// To gets the document. It must not keep what it is given, as io.Writer demands.
	To io.Writer
	// InFront goes in front of everything else. With it To gets no HTML but a script, which passes without a look.
	InFront []byte
	// AfterHead goes right behind the first `<head>` start tag, or where a browser takes the head to begin in a
	// document that leaves the tag out (Assumed). It must be an element that stands in a head.
	AfterHead []byte
	// Before goes right before the first `</body>` end tag, or to the end of a document that leaves the tag out
	// (Assumed, Close).
	Before []byte
	// Assumed says that this is a document even if it begins neither with a document type nor with `<html>`: a browser
	// shows it in a window. Without it, what does not say so may be a piece for a script to put into a page, and gets
	// nothing but at tags that only a page has.
	Assumed bool
	// BeforeBased, where it is set, goes there in place of Before in a document with a `<base>` element, which changes
	// what the addresses in it mean.
	BeforeBased []byte

	scanner scanner
	held    [len("</body")]byte
	holding int
	started bool
	// done: nothing will be put in any more, and the rest passes without a look.
	done bool
	err  error
}

// Write passes a piece of the document on. The number that it returns counts the bytes that were taken, of which the
// last may be held back.
func (r *Rewriter) Write(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if r.done {
		return r.To.Write(p)
	}
	if len(p) == 0 {
		return 0, nil
	}
	if !r.started {
		r.started, r.scanner.assumed = true, r.Assumed
		if len(r.InFront) > 0 {
			r.done = true
			if r.pass(r.InFront); r.err != nil {
				return 0, r.err
			}
			return r.To.Write(p)
		}
		// A byte order mark of UTF-16 outweighs whatever Content-Type says, and UTF-8 has no such byte.
		r.done = p[0] >= 0xfe || len(r.Before) == 0 && len(r.AfterHead) == 0
	}
	return r.rewrite(p)
}

func (r *Rewriter) rewrite(p []byte) (int, error) {
	look := p
	escape := bytes.IndexByte(p, 0x1b)
	if escape >= 0 {
		// ISO-2022-JP, which a page can declare by itself: behind the escape, ASCII bytes need not mean ASCII
		// characters.
		look = p[:escape]
	}
	from, at := 0, 0
	for !r.done {
		var found event
		at, found = r.scanner.scan(look, at)
		switch found {
		case nothing:
			if escape < 0 {
				return r.keep(p, from)
			}
			r.done = true
		case giveUp:
			r.done = true
		case headOpened:
			if len(r.AfterHead) > 0 {
				r.release()
				r.pass(p[from:at])
				r.pass(r.AfterHead)
				from = at
			}
			r.done = len(r.Before) == 0
		case headImplied:
			if len(r.AfterHead) > 0 {
				from = r.passTo(p, from, at-r.scanner.behind)
				r.pass(r.AfterHead)
			}
			r.done = len(r.Before) == 0
		case bodyCloses:
			if len(r.Before) == 0 {
				r.done = true
				break
			}
			from = r.passTo(p, from, at-len(r.held))
			r.pass(r.before())
			r.done = true
		case bodyClosed:
			r.release()
			r.pass(p[from:at])
			r.pass(r.before())
			from, r.done = at, true
		}
	}
	r.release()
	r.pass(p[from:])
	if r.err != nil {
		return from, r.err
	}
	return len(p), nil
}

// passTo passes on what is in front of the beginning of a tag. It is in p, or else it is what is held.
func (r *Rewriter) passTo(p []byte, from, start int) int {
	if start < 0 {
		return from
	}
	r.release()
	r.pass(p[from:start])
	return start
}

// keep passes on what is left of p but for the end of it that has to wait.
func (r *Rewriter) keep(p []byte, from int) (int, error) {
	if waiting := r.scanner.candidate(); waiting > len(p)-from {
		// All of it, behind what waits already.
		r.holding += copy(r.held[r.holding:], p[from:])
	} else {
		r.release()
		r.pass(p[from : len(p)-waiting])
		r.holding = copy(r.held[:], p[len(p)-waiting:])
	}
	if r.err != nil {
		return from, r.err
	}
	return len(p), nil
}

// Flush passes on what is held back, before To is flushed. Where that was the beginning of `</body>`, Before goes right
// behind the tag instead, whose content browsers take for the body's.
func (r *Rewriter) Flush() error {
	if r.holding > 0 {
		r.scanner.missed = true
		r.release()
	}
	return r.err
}

// Close ends a document that came whole. It passes on what is held back, and puts Before at the end where the document
// has left its end tags out.
func (r *Rewriter) Close() error {
	whole := r.holding == 0
	if err := r.Flush(); err != nil {
		return err
	}
	if whole && r.started && !r.done && len(r.Before) > 0 && r.scanner.ends() {
		r.done = true
		r.pass(r.before())
	}
	return r.err
}

func (r *Rewriter) before() []byte {
	if r.scanner.based && len(r.BeforeBased) > 0 {
		return r.BeforeBased
	}
	return r.Before
}

func (r *Rewriter) release() {
	held := r.held[:r.holding]
	r.holding = 0
	r.pass(held)
}

func (r *Rewriter) pass(p []byte) {
	if r.err != nil || len(p) == 0 {
		return
	}
	_, r.err = r.To.Write(p)
}
