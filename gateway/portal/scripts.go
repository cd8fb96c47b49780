package portal

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/signin"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// showGuard sends the guard script to anyone, because pages that strangers see contain it. It holds no secret.
func showGuard(x *Page) error { return sendGuard(x, x.Config.Pages.Guard) }

// showGuardDialog sends the guard's dialog.
func showGuardDialog(x *Page) error { return sendGuard(x, x.Config.Pages.GuardDialog) }

func sendGuard(x *Page, made func(pages.GuardView) ([]byte, error)) error {
	if !x.Config.Guard {
		return x.Fail(http.StatusNotFound, pages.ErrorNotFound)
	}
	return sendScript(x, func() ([]byte, error) {
		return made(pages.GuardView{
			Common: pages.Common{App: x.Config.Name, Base: x.Config.Base, Languages: exchange.Languages(x.R)},
			Digits: x.Config.Digits, Remember: x.Config.Factors.Remember(),
		})
	})
}

// showLink sends what puts the settings link where the operator wants it.
func showLink(x *Page) error {
	if x.Config.SettingsLinkInto == "" {
		return x.Fail(http.StatusNotFound, pages.ErrorNotFound)
	}
	return sendScript(x, func() ([]byte, error) { return x.Config.Pages.SettingsLinkScript(x.Config.SettingsLinkInto) })
}

// sendScript sends a script of ours.
func sendScript(x *Page, made func() ([]byte, error)) error {
	script, err := made()
	if err != nil {
		x.Log.ErrorContext(x.R.Context(), "a script could not be made", "path", x.Path.Text, "error", err)
		return x.Fail(http.StatusInternalServerError, pages.ErrorInternal)
	}
	h := x.W.Header()
	pages.SecurityHeaders(h, "")
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	x.W.WriteHeader(http.StatusOK)
	if x.R.Method == http.MethodHead {
		return nil
	}
	_, err = x.W.Write(script)
	return err
}

// showLogo sends the operator's picture to anyone, because pages that strangers see contain it. If it is asked for by
// its version it never changes, so a browser fetches it once.
func showLogo(x *Page) error {
	logo := x.Config.Pages.Logo()
	if logo == nil {
		return x.Fail(http.StatusNotFound, pages.ErrorNotFound)
	}
	h := x.W.Header()
	pages.SecurityHeaders(h, pages.LogoPolicy)
	h.Set("Cache-Control", "no-cache")
	if x.R.URL.RawQuery == "v="+logo.Version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Content-Type", logo.Type)
	h.Set("ETag", `"`+logo.Version+`"`)
	http.ServeContent(x.W, x.R, "", time.Time{}, bytes.NewReader(logo.Content))
	return nil
}

// resume gives a script the app's answer to its login, once (contract 5). A page load gets nothing and uses nothing up.
func resume(x *Page) error {
	navigates := strings.EqualFold(x.R.Header.Get("Sec-Fetch-Mode"), "navigate")
	if x.Session().Delivery == nil || navigates || exchange.LoadsAhead(x.R) {
		return x.Fail(http.StatusNotFound, pages.ErrorNotFound)
	}
	if x.R.Method == http.MethodHead {
		return x.headersOnly(http.StatusOK)
	}
	taken, err := x.Take(session.TakeDelivery())
	if err != nil {
		return x.StoreFailed("take the withheld answer", err)
	}
	delivery := taken.Before.Delivery
	if delivery == nil || delivery.Status == 0 {
		return x.Fail(http.StatusNotFound, pages.ErrorNotFound)
	}
	h := x.W.Header()
	pages.SecurityHeaders(h, "")
	for name, value := range map[string]string{
		"Content-Type": delivery.ContentType, "Content-Encoding": delivery.ContentEncoding, "Location": delivery.Location,
		delivery.TokenHeader: delivery.Token,
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
	for i := 0; i+1 < len(delivery.Headers); i += 2 {
		if !strings.EqualFold(delivery.Headers[i], delivery.TokenHeader) {
			h.Add(delivery.Headers[i], delivery.Headers[i+1])
		}
	}
	x.W.WriteHeader(delivery.Status)
	_, err = x.W.Write(delivery.Body)
	return err
}

// Methods returns the kinds of factors by which the user of the session can go on, the one that worked last first, and
// recovery; none if the secrets store does not answer.
func Methods(x *signin.Exchange) []string {
	status, err := exchange.Known(&x.Exchange.Exchange)
	if err != nil {
		return nil
	}
	return methods(&Page{Exchange: x}, &status)
}

func methods(x *Page, status *factor.Status) []string {
	told := []string{}
	for _, kind := range ways(x, status) {
		told = append(told, string(kind))
	}
	if slices.Contains(status.Methods, factor.MethodRecovery) {
		told = append(told, string(factor.MethodRecovery))
	}
	return told
}

// showStatus tells a script the state of the session.
func showStatus(x *Page) error {
	status := struct {
		State    string   `json:"state"`
		User     string   `json:"user"`
		Enrolled bool     `json:"enrolled"`
		Methods  []string `json:"methods"`
		// Trust is for the guard's dialog.
		Trust *trustStatus `json:"trust,omitempty"`
	}{State: x.State().String(), Methods: []string{}}
	if x.State() != gate.Anonymous {
		factors, err := x.Enrolled(x.Session().Identity)
		if err != nil {
			return x.StoreFailed("read the second factor", err)
		}
		status.User, status.Enrolled, status.Trust = x.Session().Identity, factors.Enrolled, newTrustStatus(x, factors)
		status.Methods = methods(x, &factors)
	}
	body, err := json.Marshal(status)
	if err != nil {
		return err
	}
	return sendJSON(x, http.StatusOK, body)
}
