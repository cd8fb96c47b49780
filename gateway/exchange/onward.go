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

// Browsers check the form-action of a page against every address that its form leads to, including redirects of
// redirects. So no form of one of our own pages could lead to another site, as the logins of identity providers do: the
// code would be used up, and the browser would stop. The policy is not loosened for that. Instead, a page replaces the
// redirect that leaves the site. The form ends at this page; where the page leads on to is not the form's doing.

// Away returns where a redirect of the app's leads if that is another site, in a form that no reader takes for another
// address. The app chose this address, as it does without a gateway.
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

// LeadOn writes a page that leads on by itself, and has a link for browsers that do not follow. Of the answer it keeps
// only the cookies.
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

// writePage writes a small page of ours. Its policy is already in the headers.
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

// redirects are the statuses of answers that lead on.
var redirects = []int{
	http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
}

// EndsForm returns where the app's answer leads, if a form of one of our own pages has led here and could lead no
// further. The answer leads to another site, or on within this one by an answer after which nobody could tell whose
// form it was. The browser says in Referer which page the form was on.
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

// fillsWindow reports whether a page load is one that somebody asked for: it fills no frame of another page, and the
// browser does not load it ahead.
func fillsWindow(r *http.Request) bool {
	return !inFrame(r) && !LoadsAhead(r)
}

// inFrame reports whether a page load fills a frame of another page instead of a window.
func inFrame(r *http.Request) bool {
	switch strings.ToLower(r.Header.Get("Sec-Fetch-Dest")) {
	case "iframe", "frame", "embed", "object", "fencedframe":
		return true
	}
	return false
}

// leadScript makes the window go on to where the link leads.
const leadScript = `top.location.replace(document.querySelector("a").href)`

var leadPolicy = func() string {
	sum := sha256.Sum256([]byte(leadScript))
	return "default-src 'none'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
}()

// leadOut writes a page for a frame, in which none of our other pages may stand. It leads the whole window to one of
// them, by itself or by a link. Only pages of this very site may frame it, and it contains nothing but the link.
func leadOut(x *Exchange, target string) error {
	label := html.EscapeString(x.Config.Pages.Text(Languages(x.R), pages.LabelContinue))
	page := `<!DOCTYPE html><meta charset="utf-8"><title>` + label + `</title><p><a href="` + html.EscapeString(target) + `" target="_top">` + label +
		`</a></p><script>` + leadScript + "</script>\n"
	h := x.W.Header()
	pages.SecurityHeaders(h, leadPolicy)
	h["X-Frame-Options"] = []string{"SAMEORIGIN"}
	return writePage(x, page)
}
