package gateway

import (
	"net/http"
	"strings"

	"sallyport/inject"
	"sallyport/pages"
)

// pageLink is the link to the settings page that a page of the app's may get: what the request said before handlers behind
// us could change it.
type pageLink struct {
	pages             *pages.Renderer
	languages, origin string
	address           string
}

// expectPage makes the request ask for a page that a link can be put into: the app, and whatever compresses behind us, are
// asked not to. What answers compressed all the same is left alone.
func (x *exchange) expectPage() *pageLink {
	x.encodings, x.encodingsSaved = x.r.Header["Accept-Encoding"], true
	x.r.Header["Accept-Encoding"] = []string{"identity"}
	return &pageLink{pages: x.config.Pages, languages: x.languages(), origin: origin(x.r), address: x.config.Base + "/"}
}

// into makes ready for the link in the app's answer, and changes its headers. Nil where the answer is left alone.
//
// The link's address is a path. Only a page with a `<base>` element gets one with the host: the element would lead a path to
// another site, even one of an attacker's choice if she could write the element into the app. Elsewhere there is no host in
// it, for that is only what the request says, and behind a proxy that changes it, it is no address for a browser.
func (l *pageLink) into(w http.ResponseWriter, status int) *inject.Rewriter {
	h := w.Header()
	if l.origin == "" || !inject.Document(status, h) {
		return nil
	}
	inject.Adjust(h)
	return &inject.Rewriter{
		To: w, Before: []byte(l.pages.SettingsLink(l.languages, l.address)),
		BeforeBased: []byte(l.pages.SettingsLink(l.languages, l.origin+l.address)),
	}
}

// origin is this site's as the browser calls it. On plain http it has no scheme, for TLS may end at a proxy on this machine.
// Empty where the host is no plain one.
func origin(r *http.Request) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]"
	if r.Host == "" || strings.Trim(r.Host, plain) != "" {
		return ""
	}
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "//" + r.Host
}
