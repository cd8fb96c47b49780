package relay

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/internal/inject"
	"sallyport.example/sallyport/pages"
)

// Restore puts the client's Accept-Encoding back.
func (x *Exchange) Restore() {
	switch {
	case !x.encodingsSaved:
	case x.encodings == nil:
		delete(x.R.Header, "Accept-Encoding")
	default:
		x.R.Header["Accept-Encoding"] = x.encodings
	}
}

// insertion is what a page of the app's may get put in: a link to the settings page, and the guard. It keeps what the
// request said before handlers behind us could change it.
type insertion struct {
	pages             *pages.Renderer
	languages, origin string
	base              string
	link, guard       bool
	// moves: a script puts the link where the operator wants it.
	moves bool
	// fills: the browser says that it shows the answer in a window.
	fills bool
	// worker: it is no page, but the script of a service worker.
	worker bool
	// mark is of what is to be put in. The app was asked whether the page has changed into which the very same was put,
	// where asked is true.
	mark  string
	asked bool
}

// expectPage makes a page load ask for a page that something can be put into: the app, and whatever compresses behind
// us, are asked not to. What answers compressed all the same is left alone. Nil where nothing is to be put in.
func (x *Exchange) expectPage() *insertion {
	link, worker := x.Config.SettingsLink && x.State() == gate.Verified, x.R.Header["Service-Worker"] != nil && inject.WorkerLoad(x.R)
	if !worker && (!link && !x.Config.Guard || !inject.PageLoad(x.R)) {
		return nil
	}
	x.encodings, x.encodingsSaved = x.R.Header["Accept-Encoding"], true
	x.R.Header["Accept-Encoding"] = []string{"identity"}
	if worker {
		i := &insertion{base: x.Config.Base, mark: inject.Mark(workerScript(x.Config.Base)), worker: true}
		i.asked = inject.Condition(x.R.Header, i.mark)
		return i
	}
	i := &insertion{
		pages: x.Config.Pages, languages: exchange.Languages(x.R), origin: siteOrigin(x), base: x.Config.Base, link: link, guard: x.Config.Guard,
		fills: inject.FillsWindow(x.R), moves: x.Config.SettingsLinkInto != "",
	}
	i.mark = i.markOf(link && i.origin != "")
	i.asked = inject.Condition(x.R.Header, i.mark)
	return i
}

// places is of the places in a page that something is put into. Where they change, pages that browsers have kept do
// too.
const places = "2"

// markOf is what the validators of a page say of what was put into it. What differs from page to page, as a nonce does,
// is no part of it.
func (i *insertion) markOf(link bool) string {
	var guard, settings string
	if i.guard {
		guard = scriptTag(i.base+exchange.GuardPath, nil)
	}
	if link {
		settings = i.settings(i.origin, http.Header{})
	}
	return inject.Mark(places, guard, settings)
}

// into makes ready for the app's answer, and changes its headers. Nil where the answer is left alone.
//
// The link's address is a path. Only a page with a `<base>` element gets one with the host: the element would lead a
// path to another site, even one of an attacker's choice if she could write the element into the app. Elsewhere there
// is no host in it, for that is only what the request says, and behind a proxy that changes it, it is no address for a
// browser. The guard stands in front of everything that such an element could be written into.
func (i *insertion) into(w http.ResponseWriter, status int, state gate.State) *inject.Rewriter {
	h := w.Header()
	link := i.link && i.origin != "" && state == gate.Verified
	if i.asked {
		inject.Unchanged(status, h, i.mark)
	}
	if i.worker {
		if !inject.Script(status, h) {
			return nil
		}
		inject.Adjust(h, i.mark)
		return &inject.Rewriter{To: w, InFront: []byte(workerScript(i.base))}
	}
	if !link && !i.guard || !inject.Document(status, h) {
		return nil
	}
	rewriter := &inject.Rewriter{To: w, Assumed: i.fills}
	if i.guard {
		rewriter.AfterHead = []byte(scriptTag(i.base+exchange.GuardPath, h["Content-Security-Policy"]))
	}
	if link {
		rewriter.Before = []byte(i.settings("", h))
		rewriter.BeforeBased = []byte(i.settings(i.origin, h))
	}
	inject.Adjust(h, i.markOf(link))
	return rewriter
}

// workerScript goes in front of the script of a service worker. Such a worker of the app's may answer for every address
// of the site, our own included, with a page that it has kept; then nobody gets to the challenge. By this it does not
// hear of what is ours, and the browser asks the gateway. base is a plain path.
func workerScript(base string) string {
	return `self.addEventListener("fetch",function(e){var u=new URL(e.request.url);if(u.origin===self.location.origin&&(u.pathname+"/").indexOf(` +
		strconv.Quote(base+"/") + `)===0)e.stopImmediatePropagation()});` + "\n"
}

// siteOrigin is this site's origin as the browser calls it. On plain http it has no scheme, for TLS may end at a
// proxy on this machine that does not say so. Empty where the host is no plain one.
func siteOrigin(x *Exchange) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]"
	if x.R.Host == "" || strings.Trim(x.R.Host, plain) != "" {
		return ""
	}
	if x.Config.Secure(x.R) {
		return "https://" + x.R.Host
	}
	return "//" + x.R.Host
}

// nonceSource is a nonce of a page's policy (CSP 3 §2.3.1).
var nonceSource = regexp.MustCompile(`'nonce-([A-Za-z0-9+/_-]+={0,2})'`)

// settings is the link to the settings page on an origin, or by its path where that is empty, in a page with these
// headers. A script right behind it may put it elsewhere.
func (i *insertion) settings(origin string, h http.Header) string {
	policies := h["Content-Security-Policy"]
	styled := len(policies) == 0 && len(h["Content-Security-Policy-Report-Only"]) == 0
	link := i.pages.SettingsLink(i.languages, origin+i.base+"/", styled)
	if i.moves {
		link += scriptTag(origin+i.base+exchange.LinkPath, policies) + "\n"
	}
	return link
}

// scriptTag is the element that loads a script of ours. A page whose policy lets scripts in by a nonce lends it to the
// script; where it lets no script of the site's in at all, the script stays out: without the guard reloading leads to
// the challenge, and without the other the link stays at the end of the page.
func scriptTag(address string, policies []string) string {
	nonce := ""
	if found := nonceSource.FindStringSubmatch(strings.Join(policies, ",")); found != nil {
		nonce = ` nonce="` + found[1] + `"`
	}
	return `<script src="` + address + `"` + nonce + `></script>`
}
