package relay

import (
	"io"

	"sallyport.example/sallyport/custody"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/upstream"
	"sallyport.example/sallyport/internal/inject"
	"sallyport.example/sallyport/login"
)

// ruling says what becomes of an answer of the app's: it goes on its way, or another answer takes its place. The zero
// value means that the app has to be asked first. Whoever makes a ruling has already stored what follows from it; the
// filter carries it out.
type ruling struct {
	// goes: the answer goes out, with the cookies that the browser may have.
	goes    bool
	cookies []string
	// instead, if set, is written in place of the app's answer.
	instead exchange.Answer
}

// decided reports whether it is known what becomes of the answer.
func (r *ruling) decided() bool { return r.goes || r.instead != nil }

// instead rules that answer takes the place of the app's.
func instead(answer exchange.Answer) ruling { return ruling{instead: answer} }

// settlement decides on one answer by its headers. It writes nothing to the browser.
type settlement struct {
	*Exchange
	status int
	// sorted are the cookies that the answer sets.
	sorted custody.Sorted
}

// letGo rules that the answer goes out.
func (x *settlement) letGo() ruling { return ruling{goes: true, cookies: x.sorted.Browser} }

// settle decides what becomes of the answer by what is already known.
func (f *filter) settle(status int, lines []string) ruling {
	f.settling = settlement{Exchange: f.x, status: status}
	return f.settling.settle(lines)
}

// decided returns the ruling on the answer. It asks the app if the ruling depends on that.
func (f *filter) decided(status int) ruling {
	if f.undecided {
		if r := f.settle(status, f.lines); r.decided() {
			return r
		}
	}
	said, full := f.settling.ask()
	if full == nil && said.Verdict == login.Unclear && upstream.IsTimeout(said.Err) && f.whole() {
		said, full = f.settling.ask() // now that the app has got rid of its answer
	}
	if full != nil {
		return f.settling.overflow(full)
	}
	return f.settling.settleBy(said)
}

// carryOut does what was ruled.
func (f *filter) carryOut(status int, r ruling) {
	if r.goes {
		f.release(status, r.cookies)
		return
	}
	f.replace(r.instead)
}

// endForm replaces a redirect by which a form of one of our own pages could lead no further: it writes a page that
// leads on, and drops the rest of the app's answer. It reports whether it did so.
func (f *filter) endForm(status int) bool {
	target, ends := exchange.EndsForm(&f.x.Exchange.Exchange.Exchange, status, f.referrer)
	if !ends {
		return false
	}
	if err := exchange.LeadOn(&f.x.Exchange.Exchange.Exchange, target); err != nil {
		f.x.Log.DebugContext(f.x.R.Context(), "answer not written", "error", err)
	}
	f.rewriter = &inject.Rewriter{To: io.Discard}
	return true
}
