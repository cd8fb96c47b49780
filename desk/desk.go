package desk

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/operator"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

const (
	// maxForm is the largest form, in bytes.
	maxForm = 8 << 10
	// patience is how long a search may take until it shows what it has found, and a next page.
	patience = 700 * time.Millisecond
)

// visit is one request for a page of the desk.
type visit struct {
	*Desk
	w http.ResponseWriter
	r *http.Request
	// operator is who sent it; secret is in the browser's cookie, and bound to the operator's forms.
	operator, secret string
}

// act is one of the things that can be done.
type act struct {
	done string // what is said of it
	do   func(v *visit, app, user string, by operator.Act) (factor.Issued, error)
}

var acts = map[string]act{
	"reset": {pages.DeskReset, func(v *visit, app, user string, by operator.Act) (factor.Issued, error) {
		return v.Operators.Reset(v.r.Context(), app, user, by)
	}},
	"unlock": {pages.DeskUnlocked, func(v *visit, app, user string, by operator.Act) (factor.Issued, error) {
		return factor.Issued{}, v.Operators.Unlock(v.r.Context(), app, user, by)
	}},
	"sign-out": {pages.DeskSignedOut, func(v *visit, app, user string, by operator.Act) (factor.Issued, error) {
		return factor.Issued{}, v.Operators.SignOut(v.r.Context(), app, user, by)
	}},
	"code": {pages.DeskCode, func(v *visit, app, user string, by operator.Act) (factor.Issued, error) {
		return v.Operators.Code(v.r.Context(), app, user, by)
	}},
}

// ServeHTTP answers for the desk's own addresses; others go on to next. Who is no operator is refused at each.
func (d *Desk) ServeHTTP(w http.ResponseWriter, r *http.Request, next func(http.ResponseWriter, *http.Request) error) error {
	v := &visit{Desk: d, w: w, r: r, operator: d.Operator(r)}
	if v.operator == "" {
		return v.refuse(http.StatusForbidden, pages.ErrorForbidden, pages.DeskForbidden)
	}
	name, below := strings.CutPrefix(r.URL.Path, d.Base+"/")
	_, does := acts[name]
	show := name == "" || name == "user"
	if !below || !show && !does {
		return next(w, r)
	}
	switch {
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
	case r.Method == http.MethodPost && does:
		return v.act(name)
	default:
		w.Header().Set("Allow", map[bool]string{true: "GET, HEAD, POST", false: "GET, HEAD"}[does])
		return v.refuse(http.StatusMethodNotAllowed, pages.ErrorMethod, "error.method.happened")
	}
	switch name {
	case "":
		return v.search()
	case "user":
		return v.user()
	}
	return v.ask(name, http.StatusOK, r.URL.Query(), "")
}

// common is what all pages show.
func (v *visit) common() pages.Common {
	if v.operator != "" && v.secret == "" {
		v.secret = v.cookie()
	}
	return pages.Common{
		Base: v.Base, User: v.operator, Form: v.token(), Languages: v.r.Header.Get("Accept-Language"),
	}
}

func (v *visit) refuse(status int, kind pages.ErrorKind, happened string) error {
	common := pages.Common{Base: v.Base, User: v.operator, Languages: v.r.Header.Get("Accept-Language")}
	return pages.DeskRefused(v.Pages, v.w, status, common, kind, happened)
}

// failed answers for an error of the service.
func (v *visit) failed(err error) error {
	switch {
	case errors.Is(err, operator.ErrNoApp), errors.Is(err, operator.ErrNoUser):
		return v.refuse(http.StatusNotFound, pages.ErrorNotFound, pages.DeskUnknown)
	case errors.Is(err, operator.ErrInvalid), errors.Is(err, factor.ErrInvalid):
		return v.refuse(http.StatusBadRequest, pages.ErrorRequest, "error.request.happened")
	case errors.Is(err, operator.ErrSessionsLeft):
		v.Logger.ErrorContext(v.r.Context(), "an operator's reset was done by half: sessions may still be open", "error", err)
		return v.refuse(http.StatusServiceUnavailable, pages.ErrorUnavailable, pages.DeskHalf)
	case errors.Is(err, factor.ErrUnavailable), errors.Is(err, session.ErrStore):
		v.Logger.WarnContext(v.r.Context(), "the help desk cannot ask a store", "error", err)
		return v.refuse(http.StatusServiceUnavailable, pages.ErrorUnavailable, "error.unavailable.happened")
	}
	v.Logger.ErrorContext(v.r.Context(), "the help desk cannot use what is stored", "error", err)
	return v.refuse(http.StatusInternalServerError, pages.ErrorInternal, "error.internal.happened")
}

// search finds users whose names begin so.
func (v *visit) search() error {
	query := v.r.URL.Query()
	view := pages.DeskView{Common: v.common(), Apps: v.Apps, App: query.Get("app"), Name: query.Get("name"), Asked: query.Has("name")}
	if view.App == "" {
		view.App = v.Apps[0]
	}
	if !slices.Contains(v.Apps, view.App) {
		return v.failed(operator.ErrNoApp)
	}
	if view.Asked {
		ctx, done := context.WithTimeout(v.r.Context(), 10*time.Second)
		defer done()
		if err := v.find(ctx, &view, query.Get("cursor")); err != nil {
			return v.failed(err)
		}
	}
	return v.Pages.Desk(v.w, http.StatusOK, view)
}

// find goes over pages until one is full, or time is up. A store without an order by name may have pages with nobody
// on them, so somebody whose whole name was typed is looked up first.
func (v *visit) find(ctx context.Context, view *pages.DeskView, cursor string) error {
	add := func(user, state string, kinds []factor.Method) {
		line := pages.DeskLine{Name: user, State: state}
		for _, kind := range kinds {
			line.Kinds = append(line.Kinds, string(kind))
		}
		view.Users = append(view.Users, line)
	}
	if cursor == "" && view.Name != "" {
		account, err := v.Operators.Show(ctx, view.App, view.Name)
		switch {
		case err == nil:
			var kinds []factor.Method
			for _, f := range account.Status.Factors {
				kinds = append(kinds, f.Kind)
			}
			add(account.User, string(account.State), slices.Compact(kinds))
		case !errors.Is(err, operator.ErrNoUser):
			return err
		}
	}
	until := time.Now().Add(patience)
	for {
		page, err := v.Operators.List(ctx, view.App, operator.Query{Prefix: view.Name, Cursor: cursor, Limit: factor.MaxPage})
		if err != nil {
			return err
		}
		for _, user := range page.Users {
			if user.User != view.Name {
				add(user.User, string(user.State), user.Factors)
			}
		}
		cursor = page.Cursor
		if cursor == "" || len(view.Users) >= factor.MaxPage/2 || time.Now().After(until) {
			slices.SortStableFunc(view.Users, func(a, b pages.DeskLine) int { return strings.Compare(a.Name, b.Name) })
			view.Next = cursor
			return nil
		}
	}
}

// user shows how somebody stands, and what was just done, once.
func (v *visit) user() error {
	query := v.r.URL.Query()
	account, err := v.Operators.Show(v.r.Context(), query.Get("app"), query.Get("name"))
	if err != nil {
		return v.failed(err)
	}
	status := account.Status
	view := pages.DeskUserView{
		Common: v.common(), App: account.App, Name: account.User, State: string(account.State), Until: status.BlockedUntil,
		CodeUntil: status.CodeUntil, Owed: status.Reset, RecoveryLeft: status.RecoveryLeft,
	}
	for _, f := range status.Factors {
		view.Factors = append(view.Factors, pages.FactorLine{ID: f.ID, Kind: string(f.Kind), Name: f.Name, Created: f.Created, Used: f.Used})
	}
	for _, s := range account.Sessions {
		view.Sessions = append(view.Sessions, pages.SessionLine{
			ID: s.ID, Waiting: s.Method == "", Browser: s.Browser, Address: s.Address, Seen: s.Seen,
		})
	}
	for _, e := range status.Activity {
		view.Activity = append(view.Activity, pages.ActivityLine{
			Kind: string(e.Kind), At: e.At, Address: e.Address, Browser: e.Browser, Count: max(e.Count, 1),
		})
	}
	if said, ok := v.takeSaid(account.App, account.User); ok {
		view.Status, view.Code, view.Expires = acts[said.Act].done, said.Code, said.Expires
	}
	return v.Pages.DeskUser(v.w, http.StatusOK, view)
}

// ask asks for the reason of an act.
func (v *visit) ask(name string, status int, values url.Values, alert string) error {
	account, err := v.Operators.Show(v.r.Context(), values.Get("app"), values.Get("name"))
	if err != nil {
		return v.failed(err)
	}
	view := pages.DeskActView{
		Common: v.common(), App: account.App, Name: account.User, Act: name, State: string(account.State),
		Bare: !account.Status.Enrolled, Reason: values.Get("reason"),
	}
	view.Alert = alert
	return v.Pages.DeskAct(v.w, status, view)
}

// act does what a form asks for, and leads back to the user.
func (v *visit) act(name string) error {
	if v.origins.Check(v.r) != nil {
		return v.refuse(http.StatusForbidden, pages.ErrorForm, "error.form.happened")
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if err := v.r.ParseForm(); err != nil {
		return v.refuse(http.StatusBadRequest, pages.ErrorRequest, "error.request.happened")
	}
	values := v.r.PostForm
	for _, field := range []string{"app", "name", "reason", "csrf_token"} {
		if len(values[field]) > 1 {
			return v.refuse(http.StatusBadRequest, pages.ErrorRequest, "error.request.happened")
		}
	}
	v.secret = v.sentCookie()
	if v.secret == "" || !hmac.Equal([]byte(values.Get("csrf_token")), []byte(v.token())) {
		return v.refuse(http.StatusForbidden, pages.ErrorForm, "error.form.happened")
	}
	app, user := values.Get("app"), values.Get("name")
	// Codes can be made for whom nobody knows, but not by a typing error at the desk.
	if _, err := v.Operators.Show(v.r.Context(), app, user); err != nil {
		return v.failed(err)
	}
	issued, err := acts[name].do(v, app, user, operator.Act{Operator: v.operator, Reason: values.Get("reason"), Client: v.Client(v.r)})
	switch {
	case errors.Is(err, operator.ErrNoReason):
		return v.ask(name, http.StatusUnprocessableEntity, values, pages.DeskNoReason)
	case err != nil:
		return v.failed(err)
	}
	if err := v.say(said{Act: name, App: app, User: user, Operator: v.operator, Code: issued.Code, Expires: issued.Expires}); err != nil {
		return v.failed(err)
	}
	pages.SecurityHeaders(v.w.Header(), "")
	v.w.Header().Set("Location", v.Base+"/user?"+url.Values{"app": {app}, "name": {user}}.Encode())
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// The token of a form is made from the secret in the browser's cookie and the operator's name: nobody else can make it,
// and it is worthless in another browser, or once another operator has signed in.

// token is the one for this visit's forms.
func (v *visit) token() string {
	if v.secret == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(v.secret))
	mac.Write([]byte("sallyport desk form\x00" + v.operator))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// cookie returns the browser's secret, and gives it one if it has none.
func (v *visit) cookie() string {
	if sent := v.sentCookie(); sent != "" {
		return sent
	}
	secret := rand.Text()
	v.setCookie(formCookie, secret, 0)
	return secret
}

// sentCookie is the secret that came with the request; empty for none.
func (v *visit) sentCookie() string {
	text, ok := v.sent(formCookie)
	if !ok || len(text) != len(rand.Text()) {
		return ""
	}
	return text
}
