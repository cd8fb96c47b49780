package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/coder/websocket"
)

const (
	// eventLimit bounds one stream of events.
	eventLimit = 1000
	// messageLimit bounds one message on a socket, in bytes.
	messageLimit = 64 << 10
)

// socket sends the user's name, and then every message back. It ends with the client, or with the app.
func (a *App) socket(w http.ResponseWriter, r *http.Request, who visitor) {
	// Pages of other sites are refused: Accept compares Origin with Host.
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(messageLimit)
	greeting, err := json.Marshal(map[string]string{"login": who.login})
	if err != nil || conn.Write(a.life, websocket.MessageText, greeting) != nil {
		return
	}
	for {
		kind, message, err := conn.Read(a.life)
		if err != nil {
			return
		}
		if err := conn.Write(a.life, kind, message); err != nil {
			return
		}
	}
}

// events sends so many ticks, then `done`, and ends.
func (a *App) events(w http.ResponseWriter, r *http.Request, who visitor) {
	count := a.options.Events
	if text := r.URL.Query().Get("count"); text != "" {
		asked, err := strconv.Atoi(text)
		if err != nil || asked < 1 || asked > eventLimit {
			writeError(w, http.StatusBadRequest, fmt.Sprintf("count is 1 to %d", eventLimit))
			return
		}
		count = asked
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(a.life, cancel)()

	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	ticker := time.NewTicker(a.options.EventInterval)
	defer ticker.Stop()
	for number := 1; number <= count; number++ {
		if number > 1 {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
		_, balance := a.ledgers.list(who.login)
		data, err := json.Marshal(map[string]any{"login": who.login, "number": number, "balance": formatAmount(balance)})
		if err != nil {
			return
		}
		if _, err := fmt.Fprintf(w, "id: %d\nevent: tick\ndata: %s\n\n", number, data); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
	}
	_, _ = fmt.Fprint(w, "event: done\ndata: {}\n\n")
}
