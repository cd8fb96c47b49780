package portal

import (
	"bytes"
	"net/http"
	"time"

	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/pages"
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
