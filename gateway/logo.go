package gateway

import (
	"bytes"
	"net/http"
	"time"

	"sallyport.example/sallyport/pages"
)

// showLogo sends the operator's picture to anyone: it stands on the pages that strangers see, too. Asked for by its
// version it never changes, so that a browser fetches it once.
func (x *passage) showLogo() error {
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
