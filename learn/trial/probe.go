package trial

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"sallyport.example/sallyport/learn"
)

// Found is what the app itself was asked for.
type Found struct {
	// Anywhere: the app took the login at an address of another page. Renews: it gave a session another cookie when the
	// same account signed in again.
	Anywhere, Renews bool
}

// Probe signs in at the app itself, without a gateway, to find out what no recording shows. It sends the right password
// up to three times.
func Probe(ctx context.Context, p *learn.Proposal, app *url.URL) (found Found, err error) {
	if p.Identity == "" || p.Right.Kind == learn.Basic || p.Right.Password() == "" {
		return found, nil
	}
	if found.Renews, err = renews(ctx, p, app); err != nil {
		return found, err
	}
	if p.Right.Kind != learn.Form || len(p.Closed) == 0 || p.LoginPage == nil {
		return found, nil
	}
	found.Anywhere, err = anywhere(ctx, p, app)
	return found, err
}

// renews signs in twice in one browser.
func renews(ctx context.Context, p *learn.Proposal, app *url.URL) (bool, error) {
	b := newBrowser(app, "")
	first, err := b.signIn(ctx, p, p.Right, p.Right.Password())
	if err != nil {
		return false, err
	}
	before := b.cookies(&url.URL{Path: "/"})
	second, err := b.signIn(ctx, p, p.Right, p.Right.Password())
	if err != nil {
		return false, err
	}
	set := (&http.Response{Header: first.Answer}).Cookies()
	if len(set) == 0 {
		return false, nil
	}
	renewed := 0
	for _, cookie := range (&http.Response{Header: second.Answer}).Cookies() {
		for _, was := range set {
			if cookie.Name == was.Name && cookie.Value != "" && cookie.Value != before[was.Name] {
				renewed++
			}
		}
	}
	return renewed > 0, nil
}

// anywhere sends the login's form to the address of a page behind the login, as a stranger.
func anywhere(ctx context.Context, p *learn.Proposal, app *url.URL) (bool, error) {
	b := newBrowser(app, "")
	page, err := b.follow(ctx, p.LoginPage.URL.RequestURI())
	if err != nil {
		return false, err
	}
	sent := p.Right.Again(&page, p.Right.Password(), b.cookies(p.Right.URL))
	path, _, _ := strings.Cut(p.Closed[0], "?")
	if path == sent.URL.Path {
		return false, nil
	}
	sent.URL = &url.URL{Path: path}
	if _, err := b.send(ctx, sent); err != nil {
		return false, err
	}
	answer, err := b.open(ctx, p.Identity)
	if err != nil {
		return false, err
	}
	return answer.Status == http.StatusOK && p.Names(&answer), nil
}
