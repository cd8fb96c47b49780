package portal

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// factorsPath begins the addresses of single factors: their ID follows, and what is to be done.
const factorsPath, renamePath, removePath = "/factors/", "/factors/*/rename", "/factors/*/remove"

// pageOf returns the page at an address below base, and the ID of the factor that the address names.
func pageOf(name string) (page ownPage, id string, found bool) {
	if rest, single := strings.CutPrefix(name, factorsPath); single {
		id, act, _ := strings.Cut(rest, "/")
		page, found = ownPages[factorsPath+"*/"+act]
		return page, id, found && id != ""
	}
	page, found = ownPages[name]
	return page, "", found
}

// usable reports whether the user has a factor of the kind that can be used at this site.
func usable(x *Page, status *factor.Status, kind factor.Method) bool {
	if kind.Sent() && (x.Config.SendCode == nil || addressOf(status, kind) == "") {
		return false
	}
	return slices.Contains(status.Methods, kind) && x.Config.Factors.Each().UsableAt(kind, x.OriginOf(x.R))
}

// serves reports whether a factor of the kind can be used at this site for what the session needs: at a sign-in the
// fallback has a say, too, and the record judges by the same.
func serves(x *Page, status *factor.Status, kind factor.Method) bool {
	return usable(x, status, kind) &&
		(x.State() == gate.Verified || factor.FallbackOf(x.Config.Factors).Serves(kind, status.Kinds()))
}

// ways are the kinds by which the user can sign in, the one that worked last first. Recovery codes have a page of their
// own.
func ways(x *Page, status *factor.Status) (kinds []factor.Method) {
	for _, kind := range status.Methods {
		if kind != factor.MethodRecovery && serves(x, status, kind) {
			kinds = append(kinds, kind)
		}
	}
	slices.SortStableFunc(kinds, func(a, b factor.Method) int { return lastUse(status, b).Compare(lastUse(status, a)) })
	return kinds
}

// looked returns the status of the user's factors, which is read once a request.
func (x *Page) looked() (*factor.Status, error) {
	if x.asked == nil {
		status, err := exchange.Known(&x.Exchange.Exchange.Exchange)
		if err != nil {
			return nil, err
		}
		x.asked = &status
	}
	return x.asked, nil
}

// which returns the user's factor with this ID, or an answer if there is none.
func (x *Page) which(id string) (factor.FactorStatus, exchange.Answer) {
	status, err := x.looked()
	if err != nil {
		return factor.FactorStatus{}, func() error { return x.StoreFailed("read the second factor", err) }
	}
	at := slices.IndexFunc(status.Factors, func(f factor.FactorStatus) bool { return f.ID == id })
	if at < 0 {
		return factor.FactorStatus{}, func() error { return x.Fail(http.StatusNotFound, pages.ErrorNotFound) }
	}
	return status.Factors[at], nil
}

// confirmOne returns the page that asks before something is done with one factor.
func confirmOne(x *Page, f factor.FactorStatus, show func(*pages.Renderer, http.ResponseWriter, int, pages.ConfirmView) error) confirmation {
	return func(status int, common pages.Common) error {
		view := x.confirmView(common)
		view.Factor, view.Kind, view.Name, view.Last = f.ID, string(f.Kind), f.Name, x.asked != nil && len(x.asked.Factors) == 1
		return show(x.Config.Pages, x.W, status, view)
	}
}

// addPage asks before a further factor is set up.
func addPage(x *Page, kind factor.Method) confirmation {
	return func(status int, common pages.Common) error {
		view := x.confirmView(common)
		view.Kind = string(kind)
		return pages.ConfirmAdd(x.Config.Pages, x.W, status, view)
	}
}

// kindToAdd returns the kind of the further factor, or an answer if there is no such kind here.
func kindToAdd(x *Page, named string) (factor.Method, exchange.Answer) {
	offered := offered(x)
	kind := factor.Method(named)
	switch {
	case named != "" || len(offered) == 0:
	case slices.Contains(offered, factor.MethodTOTP):
		kind = factor.MethodTOTP
	default:
		kind = offered[0]
	}
	if !slices.Contains(offered, kind) {
		return "", func() error { return x.Fail(http.StatusBadRequest, pages.ErrorRequest) }
	}
	return kind, nil
}

func showAdd(x *Page) error {
	kind, answer := kindToAdd(x, x.R.URL.Query().Get("kind"))
	if answer != nil {
		return answer()
	}
	notice, err := x.takeNotice()
	if err != nil {
		return x.StoreFailed("take notice", err)
	}
	show := addPage(x, kind)
	return x.ask(func(status int, common pages.Common) error {
		common.Status = notice
		return show(status, common)
	})
}

// startAdd begins the set-up of a further factor, which the set-up's page goes on with.
func startAdd(x *Page) error {
	kind, answer := kindToAdd(x, x.form.kind)
	if answer != nil {
		return answer()
	}
	if answer := x.prove(addPage(x, kind)); answer != nil {
		return answer()
	}
	user := x.Session().Identity
	begun, err := x.Config.Factors.Each().BeginAdd(withAddress(x), user, kind)
	if errors.Is(err, factor.ErrAddress) && factor.TypesAddress(x.Config.Factors, kind) {
		x.form.address = "" // the next page asks for it
		begun, err = x.Config.Factors.Each().BeginAdd(withAddress(x), user, kind)
	}
	switch {
	case errors.Is(err, factor.ErrNotEnrolled):
		return x.settingsWith(pages.AlertNotEnrolled, http.StatusConflict)
	case errors.Is(err, factor.ErrTooMany):
		return x.settingsWith(pages.AlertTooMany, http.StatusConflict)
	case err != nil:
		return x.StoreFailed("propose a further factor", err)
	case kind.Sent() && !lacksAddress(x, kind):
		return sendProof(x, begun, addressPage(x, kind, true))
	}
	if _, err := x.Take(session.Propose(user, begun.Encode())); err != nil {
		return x.sessionChanged(err)
	}
	return x.Redirect(x.Config.Base + "/setup")
}

func showRename(x *Page) error {
	f, answer := x.which(x.factor)
	if answer != nil {
		return answer()
	}
	return x.ask(confirmOne(x, f, pages.ConfirmRename))
}

func rename(x *Page) error {
	f, answer := x.which(x.factor)
	if answer != nil {
		return answer()
	}
	shown := f
	shown.Name = x.form.name
	if answer := x.prove(confirmOne(x, shown, pages.ConfirmRename)); answer != nil {
		return answer()
	}
	err := x.Config.Factors.Each().Rename(x.R.Context(), x.Session().Identity, f.ID, x.form.name)
	if err != nil {
		return factorGone(x, err, "rename a factor")
	}
	x.StoreWorks(underway.StoreSecrets, true)
	return x.settingsAfter(pages.NoticeRenamed)
}

// factorGone answers if a factor is not there any more.
func factorGone(x *Page, err error, doing string) error {
	switch {
	case errors.Is(err, factor.ErrNotEnrolled):
		return x.settingsWith(pages.AlertNotEnrolled, http.StatusConflict)
	case errors.Is(err, factor.ErrNoSuchFactor):
		return x.Fail(http.StatusNotFound, pages.ErrorNotFound)
	case errors.Is(err, factor.ErrLastFactor):
		return x.settingsWith(pages.AlertRequired, http.StatusForbidden)
	}
	return x.StoreFailed(doing, err)
}

func showRemove(x *Page) error {
	f, answer := x.which(x.factor)
	if answer == nil {
		answer = mustStay(x)
	}
	if answer != nil {
		return answer()
	}
	return x.ask(confirmOne(x, f, pages.ConfirmRemove))
}

// mustStay returns an answer if the user has one factor only, and must have one.
func mustStay(x *Page) exchange.Answer {
	if x.Config.RequireEveryone && x.asked != nil && len(x.asked.Factors) == 1 {
		return func() error { return x.settingsWith(pages.AlertRequired, http.StatusForbidden) }
	}
	return nil
}

// remove takes one factor away. With the last one two-factor authentication is disabled.
func remove(x *Page) error {
	f, answer := x.which(x.factor)
	if answer == nil {
		answer = mustStay(x)
	}
	if answer == nil {
		answer = x.prove(confirmOne(x, f, pages.ConfirmRemove))
	}
	if answer != nil {
		return answer()
	}
	removed, last, err := x.Config.Factors.Each().Remove(x.Noting(), x.Session().Identity, f.ID, x.Config.RequireEveryone)
	switch {
	case err != nil:
		return factorGone(x, err, "remove a factor")
	case last:
		return x.factorsChanged(change{event: event.FactorsDisabled, kind: factor.MethodNone, notice: pages.NoticeDisabled, proof: factor.MethodNone})
	}
	return x.factorsChanged(change{
		event: event.FactorRemoved, kind: removed.Kind, notice: pages.NoticeRemoved, proof: factor.Method(x.Session().Method()),
	})
}
