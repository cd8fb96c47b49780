package bench

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/coder/websocket"
)

// app is the app behind the gateway. It signs in anybody, and answers as fast as possible.
//
//	POST /login   a session cookie, and on to /
//	GET  /me      who is signed in
//	GET  /logout  says nothing; the gateway ends the session
//	GET  /small   1 KiB
//	GET  /large   1 MiB
//	GET  /page    a page of 100 KB
//	PUT  /upload  takes anything
//	GET  /ws      a WebSocket that sends all back
func app() http.Handler {
	small, large := []byte(strings.Repeat("x", 1<<10)), []byte(strings.Repeat("x", 1<<20))
	page := []byte("<!DOCTYPE html><html><head><title>Tides</title></head><body>" + strings.Repeat("<p>The tide comes in at seven.</p>\n", 3000) + "</body></html>")
	give := func(content []byte) http.HandlerFunc {
		kind := http.DetectContentType(content)
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(content)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "app", Value: r.PostFormValue("user"), Path: "/", HttpOnly: true})
		http.Redirect(w, r, "/small", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie("app")
		if err != nil {
			http.Error(w, "nobody", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"user": cookie.Value})
	})
	mux.HandleFunc("GET /logout", give(nil))
	mux.HandleFunc("GET /small", give(small))
	mux.HandleFunc("GET /large", give(large))
	mux.HandleFunc("GET /page", give(page))
	mux.HandleFunc("PUT /upload", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /ws", func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		for {
			kind, message, err := conn.Read(r.Context())
			if err != nil || conn.Write(r.Context(), kind, message) != nil {
				return
			}
		}
	})
	return mux
}
