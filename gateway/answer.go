package gateway

import (
	"encoding/json"
	"net/http"
	"strings"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/pages"
)

// The types of the problem documents that scripts meet (contract 5.3, RFC 9457).
const (
	problemLogin  = "https://sallyport.invalid/login-required"
	problemFactor = "https://sallyport.invalid/second-factor-required"
)

// problem is an answer for everything that is no page load.
type problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Challenge string `json:"challenge,omitempty"`
	// Resume is where the app's own answer to a login waits, which was withheld.
	Resume string `json:"resume,omitempty"`
	Login  string `json:"login,omitempty"`
}

// isPageLoad tells a browser that wants a page from everything else. Browsers say so in Sec-Fetch-Mode; of what does
// not say, only what asks for HTML gets any.
func isPageLoad(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return strings.EqualFold(mode, "navigate")
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// askLogin sends a stranger to the app's login page. The browser itself remembers the page that was asked for: no
// stranger's page load writes to a store.
func (x *exchange) askLogin() error {
	if x.config.LoginPage == "" {
		return x.refuseStranger()
	}
	if !isPageLoad(x.r) {
		return x.writeProblem(problem{
			Type: problemLogin, Title: "Login required", Status: http.StatusUnauthorized, Login: x.config.LoginPage,
		})
	}
	if x.r.Method == http.MethodGet && x.place == gate.Protected && x.state() == gate.Anonymous {
		x.rememberTarget(x.target)
	}
	return x.redirect(x.config.LoginPage)
}

// askFactor leads to the challenge, or to the set-up page where a factor is required and none exists.
func (x *exchange) askFactor() error {
	if isPageLoad(x.r) {
		if x.state() == gate.Enrolling {
			return x.redirect(x.config.Base + "/setup")
		}
		return x.redirect(x.config.Base + "/challenge")
	}
	required := problem{
		Type: problemFactor, Title: "Second factor required", Status: http.StatusUnauthorized, Challenge: x.config.Base + "/challenge",
	}
	if x.place == gate.Login || x.withheld {
		required.Resume = x.config.Base + "/resume"
	}
	return x.writeProblem(required)
}

// fail answers with an error page, or with the same as a problem document where HTML would stand in for something else.
func (x *exchange) fail(status int, kind pages.ErrorKind) error { return x.failWith(status, kind, "") }

func (x *exchange) failWith(status int, kind pages.ErrorKind, detail string) error {
	h := x.w.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "Content-Type", "Etag", "Last-Modified", "Location"} {
		delete(h, name)
	}
	view := pages.ErrorView{Common: x.common(), Kind: kind, Happened: detail, Link: x.wayOn(kind)}
	if x.wantsPage() {
		return x.config.Pages.Error(x.w, status, view)
	}
	title, text := x.config.Pages.ErrorText(view)
	return x.writeProblem(problem{Type: "about:blank", Title: title, Status: status, Detail: text})
}

// wayOn is where somebody can go on who met an error at one of our own addresses.
func (x *exchange) wayOn(kind pages.ErrorKind) pages.Link {
	switch {
	case x.place != gate.Own:
		return pages.Link{}
	case kind == pages.ErrorUnavailable && x.r.Method == http.MethodGet:
		return pages.Link{Href: x.path.Text, Label: pages.LabelRetry}
	case x.state() == gate.Verified:
		return pages.Link{Href: x.config.Base + "/", Label: pages.LabelSettings}
	case x.state() == gate.Pending || x.state() == gate.Enrolling:
		return pages.Link{Href: x.config.Base + "/challenge", Label: pages.LabelContinue}
	}
	if x.config.LoginPage == "" {
		return pages.Link{Href: "/", Label: pages.LabelSignIn}
	}
	return pages.Link{Href: x.config.LoginPage, Label: pages.LabelSignIn}
}

func (x *exchange) writeProblem(p problem) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	h := x.w.Header()
	pages.SecurityHeaders(h, "")
	h.Set("Content-Type", "application/problem+json")
	delete(h, "Content-Length")
	x.w.WriteHeader(p.Status)
	if x.r.Method != http.MethodHead {
		_, err = x.w.Write(append(body, '\n'))
	}
	return err
}
