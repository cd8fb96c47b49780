package exchange

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/pages"
)

// Browsers hold the form-action of a page against each address that its form leads to, redirects of redirects too. So
// from one of our own pages no form could lead to another site, as the logins of identity providers do: the code would
// be spent, and the browser stand still. The policy is not loosened for that. A page takes the place of the redirect
// that leaves the site, and is the end of what the form brought about; where it leads is no form's doing.

// Away is where a redirect of the app's leads, if that is another site: an address in a form in which no reader takes
// it for another one. The app has chosen it, as it does without a gateway.
func Away(x *Exchange, location string) (string, bool) {
	if location == "" || len(location) > maxTarget || strings.ContainsFunc(location, match.ForbiddenInTarget) {
		return "", false
	}
	target, err := url.Parse(location)
	if err != nil || target.Opaque != "" || target.User != nil || target.Host == "" {
		return "", false
	}
	if target.Scheme == "" { // `//other.example/`
		if target.Scheme = "http"; x.Config.Secure(x.R) {
			target.Scheme = "https"
		}
	}
	if address := target.String(); len(address) <= maxTarget+64 && match.IsAway(address) {
		return address, true
	}
	return "", false
}

// LeadOn is a page that leads on by itself, and by a link where a browser does not do that. Cookies that the answer
// sets stay; nothing else of it does.
func LeadOn(x *Exchange, target string) error {
	h := x.W.Header()
	own := h["Set-Cookie"]
	clear(h)
	if own != nil {
		h["Set-Cookie"] = own
	}
	label, address := html.EscapeString(x.Config.Pages.Text(Languages(x.R), pages.LabelContinue)), html.EscapeString(target)
	page := `<!DOCTYPE html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=` + address + `"><title>` + label +
		`</title><p><a href="` + address + `">` + label + `</a>` + "\n"
	pages.SecurityHeaders(h, "")
	return writePage(x, page)
}

// writePage writes a small page of ours, whose policy stands in the headers already.
func writePage(x *Exchange, page string) error {
	h := x.W.Header()
	h["Content-Type"] = []string{"text/html; charset=utf-8"}
	h["Content-Length"] = []string{strconv.Itoa(len(page))}
	delete(h, "Content-Encoding")
	x.W.WriteHeader(http.StatusOK)
	if x.R.Method == http.MethodHead {
		return nil
	}
	_, err := x.W.Write([]byte(page))
	return err
}

// redirects are the statuses by which an answer leads on.
var redirects = []int{
	http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
}

// EndsForm is where the app's answer leads, if a form of one of our own pages has led here and could lead no further:
// to another site, or on within this one by an answer after which nobody can tell whose form it was. The browser says
// in Referer which page the form was on.
func EndsForm(x *Exchange, status int, referrer []string) (target string, ends bool) {
	if !slices.Contains(redirects, status) || len(referrer) != 1 || x.R.Method != http.MethodGet || !IsPageLoad(x.R) || !fromOwnPage(x, referrer[0]) {
		return "", false
	}
	h := x.W.Header()
	location := h["Location"]
	if len(location) != 1 {
		return "", false
	}
	if local, ok := LocalTarget(location[0], x.R); ok {
		if h["Referrer-Policy"] == nil {
			return "", false
		}
		return local, true
	}
	return Away(x, location[0])
}

// fromOwnPage reports whether an address is that of one of our own pages.
func fromOwnPage(x *Exchange, referrer string) bool {
	page, err := url.Parse(referrer)
	return err == nil && strings.EqualFold(page.Host, x.R.Host) && (page.Path == x.Config.Base || strings.HasPrefix(page.Path, x.Config.Base+"/"))
}

// fillsWindow reports whether a page load is what somebody asked for: no frame of another page, and nothing that a
// browser loads ahead.
func fillsWindow(r *http.Request) bool {
	return !inFrame(r) && !LoadsAhead(r)
}

// inFrame reports whether a page load fills a frame of another page, and not a window.
func inFrame(r *http.Request) bool {
	switch strings.ToLower(r.Header.Get("Sec-Fetch-Dest")) {
	case "iframe", "frame", "embed", "object", "fencedframe":
		return true
	}
	return false
}

// leadScript has the window go on where the link leads.
const leadScript = `top.location.replace(document.querySelector("a").href)`

var leadPolicy = func() string {
	sum := sha256.Sum256([]byte(leadScript))
	return "default-src 'none'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
}()

// leadOut is a page for a frame, in which none of our other pages may stand: it leads the whole window to one of them,
// by itself or by a link. Only pages of this very site may show it, and there is nothing on it but the link.
func leadOut(x *Exchange, target string) error {
	label := html.EscapeString(x.Config.Pages.Text(Languages(x.R), pages.LabelContinue))
	page := `<!DOCTYPE html><meta charset="utf-8"><title>` + label + `</title><p><a href="` + html.EscapeString(target) + `" target="_top">` + label +
		`</a></p><script>` + leadScript + "</script>\n"
	h := x.W.Header()
	pages.SecurityHeaders(h, leadPolicy)
	h["X-Frame-Options"] = []string{"SAMEORIGIN"}
	return writePage(x, page)
}
