package caddymodule

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"sallyport.example/sallyport/operator"
)

func init() { caddy.RegisterModule(new(AdminAPI)) }

// apiBase is where the API of operators is, at Caddy's admin endpoint.
const apiBase = "/second_factor/"

// AdminAPI is the API of operators at Caddy's admin endpoint. It lists and shows the users of each app, does things for
// them, and reports the health of the stores. It answers with JSON, and with RFC 9457 problem documents. It returns no
// secret, except a newly made code, once.
type AdminAPI struct {
	app *App
}

// CaddyModule returns the Caddy module information.
func (*AdminAPI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.second_factor", New: func() caddy.Module { return new(AdminAPI) }}
}

// Provision finds the app, if the configuration has it.
func (a *AdminAPI) Provision(ctx caddy.Context) error {
	if app, err := ctx.AppIfConfigured(appID); err == nil {
		a.app = app.(*App)
	}
	return nil
}

// Routes returns the API's addresses.
func (a *AdminAPI) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{{Pattern: apiBase, Handler: caddy.AdminHandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if a.app == nil {
			return writeProblem(w, http.StatusNotFound, "the configuration has no second_factor")
		}
		api := &operatorAPI{
			service: a.app.operators(a.app.sites.find), names: a.app.sites.names, health: a.app.health,
		}
		return api.serve(w, r)
	})}}
}

// operatorAPI answers calls: those to Caddy's admin endpoint, and those of commands that work on the stores directly.
type operatorAPI struct {
	service *operator.Service
	names   func() []string
	health  func(r *http.Request) health
}

// call is one call: the app and the user that its address names.
type call struct {
	*operatorAPI
	w         http.ResponseWriter
	r         *http.Request
	app, user string
}

// acts has what can be done for a user, by the last segment of the address.
var acts = map[string]func(*call) error{
	"reset": (*call).reset, "unlock": (*call).unlock, "sign-out": (*call).signOut, "code": (*call).code,
}

// serve finds the call that an address means. Names are percent-encoded, each in one segment, and never paths.
func (a *operatorAPI) serve(w http.ResponseWriter, r *http.Request) error {
	var parts []string
	for part := range strings.SplitSeq(strings.TrimPrefix(r.URL.EscapedPath(), apiBase), "/") {
		plain, err := url.PathUnescape(part)
		if err != nil {
			return writeProblem(w, http.StatusBadRequest, "the address is malformed")
		}
		parts = append(parts, plain)
	}
	c := &call{operatorAPI: a, w: w, r: r}
	method, act := http.MethodGet, (func(*call) error)(nil)
	switch {
	case len(parts) == 1 && parts[0] == "health":
		act = (*call).showHealth
	case len(parts) == 1 && parts[0] == "apps":
		act = (*call).listApps
	case len(parts) < 3 || parts[0] != "apps" || parts[2] != "users":
	case len(parts) == 3:
		act = (*call).list
	case strings.Trim(parts[3], ".") == "": // Go's mux redirects some of these, so none is accepted
	case len(parts) == 4:
		act = (*call).show
	case len(parts) == 5:
		method, act = http.MethodPost, acts[parts[4]]
	}
	if act == nil {
		return writeProblem(w, http.StatusNotFound, "there is nothing at this address")
	}
	if r.Method != method && (method != http.MethodGet || r.Method != http.MethodHead) {
		w.Header().Set("Allow", method)
		return writeProblem(w, http.StatusMethodNotAllowed, "want "+method)
	}
	if len(parts) > 1 {
		c.app = parts[1]
	}
	if len(parts) > 3 {
		c.user = parts[3]
	}
	if err := act(c); err != nil {
		return c.refuse(err)
	}
	return nil
}

func (c *call) listApps() error {
	if err := c.query(); err != nil {
		return err
	}
	answer := appsJSON{Apps: []appJSON{}}
	for _, name := range c.names() {
		answer.Apps = append(answer.Apps, appJSON{App: name})
	}
	return writeJSON(c.w, http.StatusOK, answer)
}

// query checks that the query has only these names, each at most once.
func (c *call) query(names ...string) error {
	values, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return fmt.Errorf("%w: the query is malformed", operator.ErrInvalid)
	}
	for name, all := range values {
		known := false
		for _, one := range names {
			known = known || one == name
		}
		if !known || len(all) > 1 {
			return fmt.Errorf("%w: the query has an unknown name, or one twice", operator.ErrInvalid)
		}
	}
	return nil
}

func (c *call) list() error {
	if err := c.query("state", "prefix", "cursor", "limit"); err != nil {
		return err
	}
	values := c.r.URL.Query()
	query := operator.Query{Prefix: values.Get("prefix"), Cursor: values.Get("cursor")}
	var err error
	if query.State, err = operator.ParseState(values.Get("state")); err != nil {
		return err
	}
	if limit := values.Get("limit"); limit != "" {
		if query.Limit, err = strconv.Atoi(limit); err != nil && !errors.Is(err, strconv.ErrRange) || query.Limit < 1 {
			return fmt.Errorf("%w: limit: want a number from 1 to 100", operator.ErrInvalid)
		}
	}
	page, err := c.service.List(c.r.Context(), c.app, query)
	if err != nil {
		return err
	}
	answer := usersJSON{Users: []userJSON{}, Cursor: page.Cursor, Unreadable: page.Unreadable}
	for _, user := range page.Users {
		answer.Users = append(answer.Users, userJSON{App: user.App, User: user.User, State: user.State, Factors: methods(user.Factors)})
	}
	return writeJSON(c.w, http.StatusOK, answer)
}

func (c *call) show() error {
	if err := c.query(); err != nil {
		return err
	}
	account, err := c.service.Show(c.r.Context(), c.app, c.user)
	if err != nil {
		return err
	}
	return writeJSON(c.w, http.StatusOK, accountJSONOf(account))
}

func (c *call) reset() error {
	body, act, err := c.act()
	if err != nil {
		return err
	}
	if body.Open {
		if err := c.service.Open(c.r.Context(), c.app, c.user, act); err != nil {
			return err
		}
		return writeJSON(c.w, http.StatusOK, struct{}{})
	}
	issued, err := c.service.Reset(c.r.Context(), c.app, c.user, act)
	if err != nil {
		return err
	}
	return writeJSON(c.w, http.StatusOK, codeJSON{Code: issued.Code, Expires: issued.Expires})
}

func (c *call) unlock() error { return c.done(c.service.Unlock) }

func (c *call) signOut() error { return c.done(c.service.SignOut) }

func (c *call) code() error {
	_, act, err := c.act()
	if err != nil {
		return err
	}
	issued, err := c.service.Code(c.r.Context(), c.app, c.user, act)
	if err != nil {
		return err
	}
	return writeJSON(c.w, http.StatusOK, codeJSON{Code: issued.Code, Expires: issued.Expires})
}

var (
	_ caddy.AdminRouter = (*AdminAPI)(nil)
	_ caddy.Provisioner = (*AdminAPI)(nil)
)
