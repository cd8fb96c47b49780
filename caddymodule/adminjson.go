package caddymodule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/operator"
	"sallyport.example/sallyport/session"
)

// The documents of the API, which the commands print with --json.
type (
	appJSON struct {
		App string `json:"app"`
	}
	appsJSON struct {
		Apps []appJSON `json:"apps"`
	}
	userJSON struct {
		App     string         `json:"app"`
		User    string         `json:"user"`
		State   operator.State `json:"state"`
		Factors []string       `json:"factors"`
	}
	usersJSON struct {
		Users  []userJSON `json:"users"`
		Cursor string     `json:"cursor,omitempty"`
		// Unreadable is how many damaged records were skipped.
		Unreadable int `json:"unreadable,omitempty"`
	}
	accountJSON struct {
		App   string         `json:"app"`
		User  string         `json:"user"`
		State operator.State `json:"state"`
		// Until is when codes are judged again, and CodeOwed that the next set-up needs an enrolment code.
		Until         time.Time     `json:"until,omitzero"`
		CodeOwed      bool          `json:"code_owed,omitempty"`
		CodeExpires   time.Time     `json:"code_expires,omitzero"`
		Factors       []factorJSON  `json:"factors"`
		RecoveryCodes recoveryJSON  `json:"recovery_codes"`
		Sessions      []sessionJSON `json:"sessions"`
		Activity      []eventJSON   `json:"activity"`
	}
	factorJSON struct {
		ID      string    `json:"id"`
		Kind    string    `json:"kind"`
		Name    string    `json:"name"`
		Created time.Time `json:"created"`
		Used    time.Time `json:"used,omitzero"`
	}
	recoveryJSON struct {
		Left int `json:"left"`
	}
	sessionJSON struct {
		ID      string    `json:"id"`
		Created time.Time `json:"created"`
		Seen    time.Time `json:"seen"`
		Address string    `json:"address"`
		Browser string    `json:"browser"`
		State   string    `json:"state"`
	}
	eventJSON struct {
		Event   string    `json:"event"`
		At      time.Time `json:"at"`
		Address string    `json:"address,omitempty"`
		Browser string    `json:"browser,omitempty"`
		Count   int       `json:"count,omitempty"`
	}
	codeJSON struct {
		Code    string    `json:"code"`
		Expires time.Time `json:"expires"`
	}
	actJSON struct {
		Reason   string `json:"reason"`
		Operator string `json:"operator,omitempty"`
		// Open is for reset, and For, such as 24h, for reset and code.
		Open bool   `json:"open,omitempty"`
		For  string `json:"for,omitempty"`
	}
	problemJSON struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail,omitempty"`
	}
)

func methods(kinds []factor.Method) []string {
	names := make([]string, 0, len(kinds))
	for _, kind := range kinds {
		names = append(names, string(kind))
	}
	return names
}

func accountJSONOf(account operator.Account) accountJSON {
	status := account.Status
	answer := accountJSON{
		App: account.App, User: account.User, State: account.State, Until: status.BlockedUntil, CodeOwed: status.OwesCode,
		CodeExpires: status.CodeUntil, RecoveryCodes: recoveryJSON{Left: status.RecoveryLeft},
		Factors: []factorJSON{}, Sessions: []sessionJSON{}, Activity: []eventJSON{},
	}
	for _, f := range status.Factors {
		answer.Factors = append(answer.Factors, factorJSON{ID: f.ID, Kind: string(f.Kind), Name: f.Name, Created: f.Created, Used: f.Used})
	}
	for _, s := range account.Sessions {
		answer.Sessions = append(answer.Sessions, sessionJSON{
			ID: s.ID, Created: s.Created, Seen: s.Seen, Address: s.Address, Browser: s.Browser, State: s.State.String(),
		})
	}
	for _, e := range status.Activity {
		answer.Activity = append(answer.Activity, eventJSON{
			Event: string(e.Kind), At: e.At, Address: e.Address, Browser: e.Browser, Count: e.Count,
		})
	}
	return answer
}

// maxAct is the largest body of a call, in bytes.
const maxAct = 16 << 10

// act reads from the body what an operator wants, and why.
func (c *call) act() (body actJSON, act operator.Act, err error) {
	if err := c.query(); err != nil {
		return body, act, err
	}
	content, err := io.ReadAll(io.LimitReader(c.r.Body, maxAct+1))
	if err != nil || len(content) > maxAct {
		return body, act, fmt.Errorf("%w: the body breaks off, or is too large", operator.ErrInvalid)
	}
	if len(content) > 0 && factor.DecodeStrictly(content, &body) != nil {
		return body, act, fmt.Errorf(`%w: want {"reason": "...", "operator": "..."} as the body`, operator.ErrInvalid)
	}
	act = operator.Act{Operator: body.Operator, Reason: body.Reason}
	if act.Operator == "" {
		act.Operator = "admin" // whoever can reach the admin endpoint
	}
	if act.Client, _, err = net.SplitHostPort(c.r.RemoteAddr); err != nil {
		act.Client = "" // a Unix socket, or a command
	}
	if body.For != "" {
		if act.For, err = time.ParseDuration(body.For); err != nil || act.For < factor.MinCodeLifetime {
			return body, act, fmt.Errorf("%w: for: want a duration from 1s to 720h", operator.ErrInvalid)
		}
	}
	return body, act, nil
}

// done runs an act that has no result.
func (c *call) done(do func(ctx context.Context, app, user string, act operator.Act) error) error {
	_, act, err := c.act()
	if err != nil {
		return err
	}
	if err := do(c.r.Context(), c.app, c.user, act); err != nil {
		return err
	}
	return writeJSON(c.w, http.StatusOK, struct{}{})
}

// refuse answers with an error. Errors of stores contain no secret (P9).
func (c *call) refuse(err error) error {
	status := http.StatusInternalServerError
	switch {
	case errors.Is(err, operator.ErrNoApp), errors.Is(err, operator.ErrNoUser):
		status = http.StatusNotFound
	case errors.Is(err, operator.ErrNoReason), errors.Is(err, operator.ErrInvalid), errors.Is(err, factor.ErrInvalid):
		status = http.StatusBadRequest
	case errors.Is(err, factor.ErrUnavailable), errors.Is(err, session.ErrStore), errors.Is(err, operator.ErrSessionsLeft):
		status = http.StatusServiceUnavailable
	}
	return writeProblem(c.w, status, err.Error())
}

func writeProblem(w http.ResponseWriter, status int, detail string) error {
	return write(w, status, "application/problem+json", problemJSON{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail,
	})
}

func writeJSON(w http.ResponseWriter, status int, answer any) error {
	return write(w, status, "application/json", answer)
}

func write(w http.ResponseWriter, status int, kind string, answer any) error {
	content, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err = w.Write(append(content, '\n')); errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}
