package reports

import (
	"net/http"
	"strings"
	"testing"

	driver "sallyport.example/sallyport/test/e2e/browser"
	"sallyport.example/sallyport/test/site"
)

// TestServiceWorker: the app has a service worker at `/` that answers every page load with a cached page. The browser
// showed that page in place of all of the gateway's pages, including the challenge and the sign-out.
func TestServiceWorker(t *testing.T) {
	t.Parallel()
	a := newApp("/page")
	a.HandleFunc("GET /sw.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write([]byte(`"use strict";
			self.addEventListener("install", e => { self.skipWaiting(); e.waitUntil(caches.open("v1").then(c => c.add("/page"))); });
			self.addEventListener("activate", e => e.waitUntil(self.clients.claim()));
			self.addEventListener("fetch", e => { if (e.request.mode === "navigate") e.respondWith(caches.match("/page")); });`))
	})
	a.HandleFunc("GET /page", func(w http.ResponseWriter, _ *http.Request) { page(w, "Shell", "") })
	p := protect(t, a, "", site.Options{})
	b := driver.New(t, driver.Options{})
	p.signIn(b, "alice")
	p.prove(t, b, true)
	b.WaitPath("/page")
	driver.Await[string](b, `navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready).then(() => "")`)
	b.Until("the worker to answer", "navigator.serviceWorker.controller !== null")
	b.Goto(p.URL + "/anything")
	if got := b.Text("h1"); got != "Shell" {
		t.Fatalf("the control: the worker does not answer: %q", got)
	}
	b.Goto(p.URL + "/second-factor/")
	if got := b.Text("h1"); !strings.Contains(got, "Settings") {
		t.Errorf("the gateway's page shows %q", got)
	}
	b.Follow(driver.Labelled("Sign out"))
	b.Goto(p.URL + "/second-factor/challenge")
	if got := b.Page(); strings.Contains(got, "Shell") && strings.HasPrefix(b.Path(), "/second-factor") {
		t.Errorf("the gateway's page shows %.200q", got)
	}
}
