package gateway

import (
	"bytes"
	"net/http"
	"time"

	"sallyport.example/sallyport/pages"
)

// showLogo sends the operator's picture to anyone: it stands on the pages that strangers see, too. Asked for by its
// version it never changes, so that a browser fetches it once.
func (x *exchange) showLogo() error {
	logo := x.config.Pages.Logo()
	if logo == nil {
		return x.fail(http.StatusNotFound, pages.ErrorNotFound)
	}
	h := x.w.Header()
	pages.SecurityHeaders(h, pages.LogoPolicy)
	h.Set("Cache-Control", "no-cache")
	if x.r.URL.RawQuery == "v="+logo.Version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Content-Type", logo.Type)
	h.Set("ETag", `"`+logo.Version+`"`)
	http.ServeContent(x.w, x.r, "", time.Time{}, bytes.NewReader(logo.Content))
	return nil
}
