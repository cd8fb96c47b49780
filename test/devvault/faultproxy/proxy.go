package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

// newProxy passes requests on unchanged. If the Vault behind it cannot be reached, it closes the connection, because an
// answer of its own could be taken for Vault's.
func newProxy(target *url.URL, authorityFile string, problems *log.Logger) (http.Handler, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.DisableCompression = true
	if authorityFile != "" {
		content, err := os.ReadFile(authorityFile)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(content) {
			return nil, fmt.Errorf("%s has no certificate", authorityFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: transport,
		ErrorLog:  problems,
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) {
			problems.Printf("%s %s: %v", r.Method, r.URL.Path, err)
			panic(http.ErrAbortHandler)
		},
	}, nil
}
