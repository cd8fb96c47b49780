package demo

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"
)

// writeJSON answers with a value that can always be encoded.
func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic("demo: encoding an answer: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"error": message})
}

// readJSON decodes one document of the right content type. If that fails it answers the request and returns false.
func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		writeError(w, http.StatusUnsupportedMediaType, "send application/json")
		return false
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyLimit))
	err := decoder.Decode(into)
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return true
		}
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		writeError(w, http.StatusRequestEntityTooLarge, "the body is too large")
		return false
	}
	writeError(w, http.StatusBadRequest, "the body is not valid JSON")
	return false
}

// me says who is signed in, with the e-mail address that SetMail has set.
func (a *App) me(w http.ResponseWriter, r *http.Request) {
	if status := int(a.failIdentity.Load()); status != 0 {
		writeError(w, status, "out of order")
		return
	}
	who := visitorOf(r)
	if who.login == "" && a.options.Knobs.NamesStrangers {
		who.login = "anonymous"
	}
	if who.login == "" {
		writeError(w, http.StatusUnauthorized, "sign in first")
		return
	}
	said := map[string]string{"login": who.login}
	if address, known := a.mails.Load(who.login); known {
		said["email"] = address.(string)
	}
	writeJSON(w, http.StatusOK, said)
}

// entryJSON is an entry as /api/entries returns it.
type entryJSON struct {
	ID     int    `json:"id"`
	Date   string `json:"date"`
	Text   string `json:"text"`
	Amount string `json:"amount"`
}

func (e entry) json() entryJSON {
	return entryJSON{ID: e.id, Date: e.date.Format(time.DateOnly), Text: e.text, Amount: formatAmount(e.cents)}
}

func (a *App) listEntries(w http.ResponseWriter, _ *http.Request, who visitor) {
	all, balance := a.ledgers.list(who.login)
	listed := make([]entryJSON, len(all))
	for i, e := range all {
		listed[i] = e.json()
	}
	writeJSON(w, http.StatusOK, map[string]any{"login": who.login, "balance": formatAmount(balance), "entries": listed})
}

func (a *App) postEntry(w http.ResponseWriter, r *http.Request, who visitor) {
	var request struct {
		Text   string `json:"text"`
		Amount string `json:"amount"`
	}
	if !readJSON(w, r, &request) {
		return
	}
	made, err := a.ledgers.add(who.login, request.Text, request.Amount)
	if err != nil {
		writeError(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	writeJSON(w, http.StatusCreated, made.json())
}
