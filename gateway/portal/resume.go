package portal

import (
	"net/http"
	"strings"

	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

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
