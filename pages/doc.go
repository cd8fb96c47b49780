// Package pages renders everything that the gateway itself shows: the challenge, the settings page, set-up, the
// confirmations, recovery codes and errors. It knows view models only, no session, no store and no request.
//
// Each page is HTML that works without JavaScript and asks for nothing else: the style, the small script and the QR
// code are part of it. A page is rendered whole before its first byte is sent, so that an error never leaves half a
// page.
//
// All words stand in messages.go, all colours in style.css, all markup in templates/. The labels and hooks that tests
// and password managers rely on are those of contract 5.1 and 5.2.
package pages
