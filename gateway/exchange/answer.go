package exchange

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
)

// The types of the problem documents that scripts get (contract 5.3, RFC 9457).
const (
	ProblemLogin  = "https://sallyport.invalid/login-required"
	problemFactor = "https://sallyport.invalid/second-factor-required"
)

// Problem is the answer to a request that is no page load.
type Problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	Challenge string `json:"challenge,omitempty"`
	// Resume is the address where the app's withheld answer to a login waits.
	Resume string `json:"resume,omitempty"`
	// Methods are the kinds of the user's factors, and recovery.
	Methods []string `json:"methods,omitempty"`
	Login   string   `json:"login,omitempty"`
}

// IsPageLoad reports whether a browser wants a page. Browsers say so in Sec-Fetch-Mode; a client that does not send
// that header has to ask for HTML.
func IsPageLoad(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return strings.EqualFold(mode, "navigate")
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// AskLogin sends a stranger to the app's login page. A cookie in the browser remembers the address that was asked for,
// so that a stranger's page loads write to no store.
func (x *Exchange) AskLogin() error {
	if x.Config.LoginPage == "" {
		return x.Above.RefuseStranger()
	}
	if !IsPageLoad(x.R) {
		return x.WriteProblem(Problem{
			Type: ProblemLogin, Title: "Login required", Status: http.StatusUnauthorized, Login: x.Config.LoginPage,
		})
	}
	if x.Showed && lost(x) {
		return unsent(x)
	}
	if x.R.Method == http.MethodGet && x.Place == gate.Protected && x.State() == gate.Anonymous && !x.Blind() && fillsWindow(x.R) {
		rememberTarget(x, x.Target)
	}
	return x.Redirect(x.Config.LoginPage)
}

// lost reports whether the request is a form of the app's that was filled in while there was a session, and that now
// goes nowhere. If the gateway led to the login page without a word, people would believe that the form was sent.
func lost(x *Exchange) bool {
	return x.R.Method != http.MethodGet && x.R.Method != http.MethodHead && (x.Place == gate.Protected || x.Place == gate.Public) &&
		x.State() == gate.Anonymous && !gate.Foreign(x.R, nil) && !x.Above.Begun()
}

// unsent answers that a form was not sent, and where to sign in: in another tab, because the history of this one is the
// way back to what was typed.
func unsent(x *Exchange) error {
	return x.Config.Pages.Error(x.W, http.StatusForbidden, pages.ErrorView{
		Common: x.Common(), Kind: pages.ErrorUnsent, Link: pages.Link{Href: x.Config.LoginPage, Label: pages.LabelSignIn, Apart: true},
	})
}

// AskFactor leads to the challenge, or to the set-up page if a factor is required and the user has none.
func (x *Exchange) AskFactor() error {
	if IsPageLoad(x.R) {
		page := x.Config.Base + "/challenge"
		if x.State() == gate.Enrolling {
			page = x.Config.Base + "/setup"
		}
		if inFrame(x.R) {
			return leadOut(x, page)
		}
		return x.Redirect(page)
	}
	required := Problem{
		Type: problemFactor, Title: "Second factor required", Status: http.StatusUnauthorized, Challenge: x.Config.Base + "/challenge",
	}
	if x.Place == gate.Login || x.Withheld {
		required.Resume = x.Config.Base + "/resume"
	}
	if x.State() == gate.Pending {
		required.Methods = x.Above.Methods()
	}
	return x.WriteProblem(required)
}

// Fail answers with an error page, or with a problem document if the client does not expect a page.
func (x *Exchange) Fail(status int, kind pages.ErrorKind) error { return x.FailWith(status, kind, "") }

// FailWith is Fail with a detail of what has happened.
func (x *Exchange) FailWith(status int, kind pages.ErrorKind, detail string) error {
	h := x.W.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "Content-Type", "Etag", "Last-Modified", "Location"} {
		delete(h, name)
	}
	view := pages.ErrorView{Common: x.Common(), Kind: kind, Happened: detail, Link: wayOn(x, status)}
	if x.State() != gate.Verified {
		view.User = "" // nobody is signed in
	}
	if x.WantsPage() {
		tryAgain(x, status)
		return x.Config.Pages.Error(x.W, status, view)
	}
	title, text := x.Config.Pages.ErrorText(view)
	return x.WriteProblem(Problem{Type: "about:blank", Title: title, Status: status, Detail: text})
}

// passes reports whether an error of the app or of a store may be over in a moment and the browser may repeat the
// request by itself.
func passes(x *Exchange, status int) bool {
	return (status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout) &&
		x.R.Method == http.MethodGet && x.R.Header["Authorization"] == nil
}

// retryAfter is how many seconds a browser waits before it tries again by itself, if nobody else says how long.
const retryAfter = "10"

// tryAgain makes a browser repeat its request by itself, after the time that it is told to wait.
func tryAgain(x *Exchange, status int) {
	if !passes(x, status) {
		return
	}
	h := x.W.Header()
	if h["Retry-After"] == nil {
		h["Retry-After"] = []string{retryAfter}
	}
	h["Refresh"] = h["Retry-After"]
}

// wayOn returns the link on an error page by which the user can go on.
func wayOn(x *Exchange, status int) pages.Link {
	target, local := LocalTarget(cmp.Or(x.Target, x.R.RequestURI), x.R)
	switch {
	case passes(x, status) && local:
		return pages.Link{Href: target, Label: pages.LabelRetry}
	case x.Place == gate.Login && x.Config.LoginPage != "" && status == http.StatusBadGateway:
		return pages.Link{Href: x.Config.LoginPage, Label: pages.LabelSignIn}
	case x.Place != gate.Own:
		return pages.Link{}
	case x.State() == gate.Verified:
		return pages.Link{Href: x.Config.Base + "/", Label: pages.LabelSettings}
	case x.State() == gate.Pending || x.State() == gate.Enrolling:
		return pages.Link{Href: x.Config.Base + "/challenge", Label: pages.LabelContinue}
	}
	if x.Config.LoginPage == "" {
		return pages.Link{Href: "/", Label: pages.LabelSignIn}
	}
	return pages.Link{Href: x.Config.LoginPage, Label: pages.LabelSignIn}
}

// WriteProblem answers with a problem document.
func (x *Exchange) WriteProblem(p Problem) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	h := x.W.Header()
	pages.SecurityHeaders(h, "")
	h.Set("Content-Type", "application/problem+json")
	delete(h, "Content-Length")
	x.W.WriteHeader(p.Status)
	if x.R.Method != http.MethodHead {
		_, err = x.W.Write(append(body, '\n'))
	}
	return err
}

// Refuse answers a login that is ambiguous, malformed or too large. The app never sees it.
func (x *Exchange) Refuse(refused *login.RefusedError) error {
	x.Tell(event.Event{
		Name: event.LoginRefused, Reason: event.ReasonRequest, Status: refused.Status, Detail: refused.Log,
	})
	if refused.Status == http.StatusMethodNotAllowed {
		allowed := slices.DeleteFunc([]string{http.MethodGet, http.MethodHead, http.MethodPost}, func(method string) bool { return !x.Policy.Takes(method) })
		x.W.Header().Set("Allow", strings.Join(allowed, ", "))
	}
	if refused.Status == http.StatusTooManyRequests {
		x.W.Header().Set("Retry-After", "60")
		// Otherwise the server would wait for the rest of the body before it answers.
		x.W.Header().Set("Connection", "close")
	}
	return x.FailWith(refused.Status, pages.ErrorRequest, refused.Reason)
}

// WantsPage reports whether one of our own addresses has to answer with a page. A form counts as a browser's, unless
// the browser says that a script sent it.
func (x *Exchange) WantsPage() bool {
	if x.R.Header.Get("Sec-Fetch-Mode") == "" && x.Place == gate.Own && x.R.Method == http.MethodPost {
		return !x.SentJSON
	}
	return IsPageLoad(x.R)
}

// Common returns what every page may show of the session.
func (x *Exchange) Common() pages.Common {
	common := pages.Common{App: x.Config.Name, Base: x.Config.Base, Languages: Languages(x.R)}
	if x.data != nil {
		common.User, common.Form = x.data.Identity, x.data.Form
	}
	return common
}

// Languages returns the languages that the browser asks for, best first: all lines of Accept-Language.
func Languages(r *http.Request) string { return strings.Join(r.Header["Accept-Language"], ",") }
