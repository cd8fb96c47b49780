// Package trial tries a proposal: it sends a wrong password and the right one to the app through a gateway with the
// proposed settings, and asks as a stranger for what was opened behind the login. It is given that gateway by its
// caller and knows nothing of how it is made.
package trial

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sallyport.example/sallyport/learn"
)

// Gate is a gateway with the proposed settings in front of the app. In it each account has a second factor.
type Gate struct {
	// Address is where it listens on this machine, as host and port.
	Address string
	// Reached returns how many requests of clients have come to the app. The gateway's own questions do not count.
	Reached func() int
	// Opens reports whether the settings themselves open a path to strangers, as a preset does with an app's own files.
	Opens func(path string) bool
	// Code returns a code of the second factor.
	Code func() (string, error)
}

// Result is what one trial has shown.
type Result struct {
	// OK: it is as it should be. Unknown: it could not be tried.
	OK, Unknown bool
	// Spelling: it is about other spellings of the account's name.
	Spelling bool
	Text     string
}

// String is the result as a line of a report.
func (r Result) String() string {
	switch {
	case r.Unknown:
		return "not tried  " + r.Text
	case r.OK:
		return "ok         " + r.Text
	}
	return "NOT OK     " + r.Text
}

// base is where the gateway's own pages are.
const base = "/second-factor"

// wrongPassword is sent as a wrong one. It is nobody's.
const wrongPassword = "sallyport-learn-wrong-password"

// trial is one run.
type trial struct {
	proposal *learn.Proposal
	app      *url.URL
	gate     Gate
	results  []Result
	user     string // whom the gateway takes the right login for; empty if it was not accepted
}

// Run tries a proposal. One wrong password and the right one are sent to the app. The error says that the app or the
// gateway did not answer; the results until then are returned with it.
func Run(ctx context.Context, p *learn.Proposal, app *url.URL, gate Gate) ([]Result, error) {
	t := &trial{proposal: p, app: app, gate: gate}
	for _, step := range []func(context.Context) error{t.stranger, t.named, t.wrong, t.right, t.respelled} {
		if err := step(ctx); err != nil {
			return t.results, err
		}
	}
	return t.results, nil
}

func (t *trial) say(ok bool, format string, arguments ...any) {
	t.results = append(t.results, Result{OK: ok, Text: fmt.Sprintf(format, arguments...)})
}

func (t *trial) unknown(format string, arguments ...any) {
	t.results = append(t.results, Result{Unknown: true, Text: fmt.Sprintf(format, arguments...)})
}

// reaches reports whether a browser's page load of a path comes to the app.
func (t *trial) reaches(ctx context.Context, b *browser, path string) (bool, error) {
	before := t.gate.Reached()
	_, err := b.open(ctx, path)
	return t.gate.Reached() > before, err
}

// stranger tries what a stranger reaches.
func (t *trial) stranger(ctx context.Context) error {
	p, b := t.proposal, newBrowser(t.app, t.gate.Address)
	if p.LoginPage != nil {
		page, err := b.follow(ctx, p.LoginPage.URL.RequestURI())
		if err != nil {
			return err
		}
		t.say(page.Status == http.StatusOK, "a stranger gets the login page")
	}
	missed, needs := 0, p.Needs
	if p.Preset != "" {
		needs = nil // a preset says what its app needs, and was tested in a browser
	}
	for _, path := range needs {
		if strings.Contains(path, "*") {
			continue
		}
		reached, err := t.reaches(ctx, b, path)
		if err != nil {
			return err
		}
		if !reached {
			missed++
		}
	}
	if len(needs) > 0 {
		t.say(missed == 0, "and what the login page needs")
	}
	open, tried := 0, append([]string{"/sallyport-learn-no-such-path"}, t.closed()...)
	for _, path := range tried {
		reached, err := t.reaches(ctx, b, path)
		if err != nil {
			return err
		}
		if reached {
			open++
		}
	}
	if open > 0 {
		t.say(false, "a stranger reaches %d of the %d other addresses that were tried", open, len(tried))
		return nil
	}
	t.say(true, "a stranger reaches nothing else: %d addresses tried, those behind the login and one that nobody knows", len(tried))
	return nil
}

// closed returns the addresses that were opened behind the login, and that the settings do not open.
func (t *trial) closed() []string {
	return slices.DeleteFunc(slices.Clone(t.proposal.Closed), t.gate.Opens)
}

// named asks the app itself, without cookies, who is signed in.
func (t *trial) named(ctx context.Context) error {
	if t.proposal.Identity == "" {
		return nil
	}
	answer, err := newBrowser(t.app, "").open(ctx, t.proposal.Identity)
	if err != nil {
		return err
	}
	t.say(answer.Status != http.StatusOK || !t.proposal.Names(&answer), "the app does not name the account to a stranger, where it is asked")
	return nil
}

// wrong tries a wrong password.
func (t *trial) wrong(ctx context.Context) error {
	b := newBrowser(t.app, t.gate.Address)
	answer, err := b.signIn(ctx, t.proposal, t.proposal.Right, wrongPassword)
	if err != nil {
		return err
	}
	state, _, err := t.status(ctx, b)
	if err != nil {
		return err
	}
	t.say(state == "anonymous" && answer.Status < http.StatusInternalServerError, "a wrong password stays out (answered by %d)", answer.Status)
	return nil
}

// right tries the right password, the challenge, the app behind it, and the sign-out.
func (t *trial) right(ctx context.Context) error {
	p, b := t.proposal, newBrowser(t.app, t.gate.Address)
	if p.Right.Password() == "" {
		t.unknown("the right password: it is not known")
		return nil
	}
	answer, err := b.signIn(ctx, p, p.Right, p.Right.Password())
	if err != nil {
		return err
	}
	state, user, err := t.status(ctx, b)
	if err != nil {
		return err
	}
	t.user = user
	if t.say(state == "pending", "the right password meets the challenge (answered by %d)", answer.Status); state != "pending" {
		return nil
	}
	before, open := t.gate.Reached(), 0
	for _, path := range t.closed() {
		reached, err := t.reaches(ctx, b, path)
		if err != nil {
			return err
		}
		if reached {
			open++
		}
	}
	if len(t.closed()) > 0 {
		t.say(open == 0 && t.gate.Reached() == before, "and nothing of the app is reached in front of it: %d addresses tried", len(t.closed()))
	}
	passed, err := t.pass(ctx, b)
	if err != nil || !passed {
		return err
	}
	return t.behind(ctx, b)
}

// respelled tries the right password with the name in other letters. If the app takes that for the same account, the
// gateway must as well: as another user it would owe no factor.
func (t *trial) respelled(ctx context.Context) error {
	other, ok := t.proposal.Right.Respelled()
	if !ok || t.user == "" {
		return nil
	}
	b := newBrowser(t.app, t.gate.Address)
	if _, err := b.signIn(ctx, t.proposal, other, other.Password()); err != nil {
		return err
	}
	state, user, err := t.status(ctx, b)
	if err != nil {
		return err
	}
	t.say(state == "anonymous" || user == t.user, "the name in other letters is the same user, or nobody")
	t.results[len(t.results)-1].Spelling = true
	return nil
}

// pass answers the challenge.
func (t *trial) pass(ctx context.Context, b *browser) (passed bool, err error) {
	code, err := t.gate.Code()
	if err != nil {
		return false, fmt.Errorf("a code: %w", err)
	}
	body, err := json.Marshal(map[string]string{"code": code})
	if err != nil {
		return false, fmt.Errorf("a code: %w", err)
	}
	answer, err := b.send(ctx, learn.Exchange{
		Method: http.MethodPost, URL: &url.URL{Path: base + "/challenge"}, Body: body,
		Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "Sec-Fetch-Mode": {"cors"}},
	})
	if err != nil {
		return false, err
	}
	state, _, err := t.status(ctx, b)
	t.say(state == "verified", "a code opens it")
	if err != nil || state != "verified" || answer.Status >= http.StatusBadRequest {
		return false, err
	}
	// A script's login has its answer waiting, with the token in it.
	resumed, err := b.send(ctx, learn.Exchange{
		Method: http.MethodGet, URL: &url.URL{Path: base + "/resume"},
		Header: http.Header{"Accept": {"*/*"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}},
	})
	if err != nil {
		return false, err
	}
	if resumed.Status == http.StatusOK {
		b.bearer = t.proposal.Bearer(&resumed)
	}
	return true, nil
}

// behind tries the app behind the challenge.
func (t *trial) behind(ctx context.Context, b *browser) error {
	p := t.proposal
	if p.Right.Kind == learn.Basic {
		again := p.Right.Again(nil, p.Right.Password(), nil)
		b.bearer = http.Header{"Authorization": again.Header["Authorization"]}
	}
	if p.Identity != "" {
		answer, err := b.open(ctx, p.Identity)
		if err != nil {
			return err
		}
		t.say(answer.Status == http.StatusOK && p.Names(&answer), "behind it the app names the account that was typed")
	}
	path := "/"
	if len(p.Closed) > 0 {
		path = p.Closed[0]
	}
	page, err := b.follow(ctx, path)
	if err != nil {
		return err
	}
	t.say(page.Status < http.StatusBadRequest && !strings.HasPrefix(page.URL.Path, base), "and the app works as before")
	if p.Logout == nil {
		return nil
	}
	left, err := b.send(ctx, p.LeaveAgain(&page))
	if err != nil && !errors.Is(err, ErrAway) {
		return err
	}
	state, _, err := t.status(ctx, b)
	if err != nil {
		return err
	}
	if state != "anonymous" && left.Status >= http.StatusBadRequest {
		t.unknown("the sign-out: the app did not take it again; sign out by hand and see whether the next page asks for the password")
		return nil
	}
	t.say(state == "anonymous", "the sign-out ends the gateway's session, too")
	return nil
}

// status asks the gateway for the state of a browser's session, and whose it is.
func (t *trial) status(ctx context.Context, b *browser) (state, user string, err error) {
	answer, err := b.send(ctx, learn.Exchange{
		Method: http.MethodGet, URL: &url.URL{Path: base + "/status"},
		Header: http.Header{"Accept": {"application/json"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}},
	})
	if err != nil {
		return "", "", err
	}
	var said struct{ State, User string }
	if err := json.Unmarshal(answer.Content, &said); err != nil {
		return "", "", fmt.Errorf("the gateway's status: %w", err)
	}
	return said.State, said.User, nil
}
