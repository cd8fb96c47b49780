package caddymodule

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor/filestore"
	"sallyport.example/sallyport/operator"
)

// adminPatience bounds one call to the admin endpoint.
const adminPatience = time.Minute

// maxAdminAnswer is the largest answer that is read.
const maxAdminAnswer = 4 << 20

type callFunc = func(ctx context.Context, method, path string, body []byte) (status int, answer []byte, err error)

// throughAdmin calls the running gateway.
func throughAdmin(address string) callFunc {
	return func(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
		if address == "" {
			address = caddy.DefaultAdminListen
		}
		parsed, err := caddy.ParseNetworkAddress(address)
		if err != nil || parsed.PortRangeSize() > 1 {
			return 0, nil, fmt.Errorf("--address %s: want host:port, or unix//path", address)
		}
		origin, target := "http://127.0.0.1", ""
		if parsed.IsUnixNetwork() {
			target, _, _ = strings.Cut(parsed.Host, "|") // what follows is the mode for the socket
		} else {
			target = parsed.JoinHostPort(0)
			origin = "http://" + target
		}
		ctx, cancel := context.WithTimeout(ctx, adminPatience)
		defer cancel()
		request, err := http.NewRequestWithContext(ctx, method, origin+path, bytes.NewReader(body))
		if err != nil {
			return 0, nil, err
		}
		if !parsed.IsUnixNetwork() {
			request.Header.Set("Origin", origin)
		}
		request.Header.Set("Content-Type", "application/json")
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, parsed.Network, target)
		}}}
		response, err := client.Do(request)
		if err != nil {
			return 0, nil, fmt.Errorf("no gateway answers at the admin endpoint %s (--address); where none runs, --config works on its stores: %w",
				address, errors.Unwrap(err))
		}
		defer func() { _ = response.Body.Close() }()
		answer, err := io.ReadAll(io.LimitReader(response.Body, maxAdminAnswer))
		return response.StatusCode, answer, err
	}
}

// openDirectly opens the stores of a command's configuration. closed closes them.
func openDirectly(command *cobra.Command) (call callFunc, closed func() error, err error) {
	app, handlers, closed, err := configuredApp(command)
	if err != nil {
		return nil, nil, err
	}
	fail := func(err error) (callFunc, func() error, error) { return nil, nil, errors.Join(err, closed()) }
	if err := openExisting(app); err != nil {
		return fail(err)
	}
	if _, ok := app.sessions.(*SessionsMemory); ok {
		_, err := fmt.Fprintln(command.ErrOrStderr(), "Sessions are kept in the memory of each gateway: where one runs, those that are open there go on.")
		if err != nil {
			return fail(err)
		}
	}
	if command.Name() == "reset" && slices.ContainsFunc(handlers, func(h *Handler) bool { return len(h.Notify) > 0 }) {
		_, err := fmt.Fprintln(command.ErrOrStderr(), "Notices are sent by gateways, and none has a part in this: nobody is told by e-mail or webhook. Tell the user yourself.")
		if err != nil {
			return fail(err)
		}
	}
	helped := make(helpable)
	for _, h := range handlers {
		if _, there := helped[h.App]; there {
			continue
		}
		if helped[h.App], err = h.helpedBy(app, event.NewAudit(forwardAudit)); err != nil {
			return fail(err)
		}
	}
	api := &operatorAPI{
		service: app.operators(func(name string) (operator.App, bool) { found, ok := helped[name]; return found, ok }),
		names:   func() []string { return slices.Sorted(maps.Keys(helped)) },
		health:  app.health,
	}
	return func(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
		request, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, bytes.NewReader(body))
		if err != nil {
			return 0, nil, err
		}
		answer := &answerInMemory{header: make(http.Header)}
		err = api.serve(answer, request)
		return answer.status, answer.Bytes(), err
	}, closed, nil
}

// configuredApp provisions only the app of a command's configuration. It also returns the settings of all sites.
func configuredApp(command *cobra.Command) (app *App, handlers []*Handler, closed func() error, err error) {
	content, err := configContent(command)
	if err != nil {
		return nil, nil, nil, err
	}
	var config struct {
		Apps struct {
			SecondFactor json.RawMessage `json:"second_factor"`
		} `json:"apps"`
	}
	var whole any
	if err := errors.Join(json.Unmarshal(content, &config), json.Unmarshal(content, &whole)); err != nil {
		return nil, nil, nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if handlers, err = handlersIn(whole); err != nil {
		return nil, nil, nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if config.Apps.SecondFactor == nil {
		config.Apps.SecondFactor = json.RawMessage(`{}`)
	}
	ctx, err := caddy.ProvisionContext(&caddy.Config{
		Admin: &caddy.AdminConfig{Disabled: true}, AppsRaw: caddy.ModuleMap{appID: config.Apps.SecondFactor},
	})
	if err != nil {
		return nil, nil, nil, err
	}
	module, err := ctx.App(appID)
	if err != nil {
		return nil, nil, nil, err
	}
	app = module.(*App)
	return app, handlers, app.release, nil
}

// release releases both stores.
func (a *App) release() (err error) {
	for _, guest := range []any{a.sessions, a.secrets} {
		if cleaner, ok := guest.(caddy.CleanerUpper); ok {
			err = errors.Join(err, cleaner.Cleanup())
		}
	}
	return err
}

// handlersIn finds the settings of all sites in a configuration, at any depth.
func handlersIn(part any) (found []*Handler, err error) {
	switch part := part.(type) {
	case []any:
		for _, one := range part {
			inner, err := handlersIn(one)
			if err != nil {
				return nil, err
			}
			found = append(found, inner...)
		}
	case map[string]any:
		if part["handler"] == appID {
			delete(part, "handler")
			text, err := json.Marshal(part)
			if err != nil {
				return nil, err
			}
			h := new(Handler)
			if err := json.Unmarshal(text, h); err != nil {
				return nil, err
			}
			return []*Handler{h}, nil
		}
		for _, name := range slices.Sorted(maps.Keys(part)) {
			inner, err := handlersIn(part[name])
			if err != nil {
				return nil, err
			}
			found = append(found, inner...)
		}
	}
	return found, nil
}

// openExisting opens the stores, but makes no file. It refuses a file that a gateway has open.
func openExisting(app *App) error {
	if secrets, ok := app.secrets.(*SecretsFile); ok {
		if err := secrets.pooled.openExisting(); err != nil {
			return err
		}
	}
	sessions, ok := app.sessions.(*SessionsFile)
	if !ok {
		return nil
	}
	switch _, err := os.Stat(sessions.path); {
	case errors.Is(err, fs.ErrNotExist):
		// There is no file of sessions, so nobody has signed in yet. Use memory instead of making a file.
		memory := new(SessionsMemory)
		if err := memory.Provision(caddy.Context{}); err != nil {
			return err
		}
		app.sessions = emptySessions{memory}
		return nil
	case err != nil:
		return fmt.Errorf("sessions file: %w", err)
	}
	return sessions.ready()
}

// emptySessions replaces a file of sessions that was never made.
type emptySessions struct{ *SessionsMemory }

// openExisting opens the file unless it is already open.
func (p *pooledFile) openExisting() (err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.store == nil {
		p.store, err = filestore.Open(p.path, filestore.Options{KeyFile: p.keyFile, Existing: true})
	}
	if errors.Is(err, filestore.ErrInUse) {
		return fmt.Errorf("%s is in use: a gateway runs, and --address speaks to it: %w", p.path, err)
	}
	return err
}

// ready opens the file. If a gateway has it open the error says so.
func (s *SessionsFile) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.pooled.store.Ping(ctx); err != nil {
		return fmt.Errorf("sessions file %s: %w", s.path, err)
	}
	return nil
}

// answerInMemory is an http.ResponseWriter for the API without a server.
type answerInMemory struct {
	bytes.Buffer
	header http.Header
	status int
}

func (a *answerInMemory) Header() http.Header { return a.header }

func (a *answerInMemory) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}
