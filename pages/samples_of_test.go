package pages_test

import (
	"net/http"

	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/pages/samples"
)

// The tests inside package pages cannot import what imports it.
func init() {
	pages.HandIn(func(r *pages.Renderer, languages string, add func(name, qr string, show func(w http.ResponseWriter) error)) {
		for _, s := range samples.All(r, languages) {
			add(s.Name, s.QR, s.Show)
		}
	}, samples.Key, samples.URI, samples.Token, samples.Logo, samples.Since, samples.Codes)
}
