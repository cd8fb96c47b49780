package gateway

import (
	"encoding/json"
	"errors"
	"net/http"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/internal/age"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// confirmation shows one of the pages that ask before something changes.
type confirmation func(status int, common pages.Common) error

func (x *exchange) confirmView(common pages.Common) pages.ConfirmView {
	return pages.ConfirmView{
		Behind: x.behind(x.asked),
		Common: common, NeedCode: x.needsCode(), Digits: x.config.Digits, Period: x.config.Period, CanRecover: true,
		Recovery: x.r.URL.Query().Has(pages.RecoveryQuery),
	}
}

func (x *exchange) resetPage(status int, common pages.Common) error {
	return x.config.Pages.ConfirmReset(x.w, status, x.confirmView(common))
}

func (x *exchange) disablePage(status int, common pages.Common) error {
	return x.config.Pages.ConfirmDisable(x.w, status, x.confirmView(common))
}

func (x *exchange) renewCodesPage(status int, common pages.Common) error {
	return x.config.Pages.ConfirmRecoveryCodes(x.w, status, x.confirmView(common))
}

// needsCode reports whether a change asks for a fresh code: it does unless one was given within `reauth`.
func (x *exchange) needsCode() bool {
	return !age.Within(x.now, x.data.Proved(), x.config.Reauth)
}

// ask shows a confirmation to somebody who is enrolled; there is nothing to change for anybody else.
func (x *exchange) ask(show confirmation) error {
	status, err := x.enrolled(x.data.Identity)
	if err != nil {
		return x.storeFailed("read the second factor", err)
	}
	if !status.Enrolled {
		return x.settingsWith(pages.AlertNotEnrolled, http.StatusConflict)
	}
	x.asked = &status
	return show(http.StatusOK, x.throttled(x.common(), status))
}

// prove checks the fresh code of a confirmation. It reports whether the request was answered, for want of a right one.
func (x *exchange) prove(show confirmation) (answered bool, err error) {
	if !x.needsCode() {
		return false, nil
	}
	if x.form.code == "" {
		return true, x.noCode(show)
	}
	method, err := x.config.Factors.Verify(x.noting(), x.data.Identity, factor.Answer{Kind: factor.MethodTOTP, Text: x.form.code})
	switch {
	case errors.Is(err, factor.ErrNotEnrolled):
		return true, x.settingsWith(pages.AlertNotEnrolled, http.StatusConflict)
	case err != nil:
		return true, x.refuseCode(err, event.Event{Reason: event.ReasonChange}, pages.AlertWrongCode, show)
	}
	x.storeWorks(storeSecrets, true)
	if method == factor.MethodRecovery {
		x.tell(event.Event{Name: event.RecoveryCodeUsed, User: x.data.Identity, Method: string(method)})
	}
	if _, err := x.take(session.Freshen(x.data.Identity, session.Proof{Method: string(method), At: x.now})); err != nil {
		return true, x.storeFailed("note the fresh code", err)
	}
	x.tell(event.Event{
		Name: event.ChallengePassed, User: x.data.Identity, Method: string(method), Reason: event.ReasonChange,
	})
	return false, nil
}

func (x *exchange) showReset() error { return x.ask(x.resetPage) }

// startReset makes the seed that is to replace the present one, which stays valid until the new one is confirmed.
func (x *exchange) startReset() error {
	if answered, err := x.prove(x.resetPage); answered || err != nil {
		return err
	}
	status, err := x.enrolled(x.data.Identity)
	if err != nil {
		return x.storeFailed("read the second factor", err)
	}
	if !status.Enrolled {
		return x.settingsWith(pages.AlertNotEnrolled, http.StatusConflict)
	}
	if err := x.propose(); err != nil {
		return x.storeFailed("propose a seed", err)
	}
	return x.redirect(x.config.Base + "/setup")
}

func (x *exchange) showDisable() error {
	if x.config.RequireEveryone {
		return x.settingsWith(pages.AlertRequired, http.StatusForbidden)
	}
	return x.ask(x.disablePage)
}

func (x *exchange) disable() error {
	if x.config.RequireEveryone {
		return x.settingsWith(pages.AlertRequired, http.StatusForbidden)
	}
	if answered, err := x.prove(x.disablePage); answered || err != nil {
		return err
	}
	err := x.config.Factors.Disable(x.r.Context(), x.data.Identity)
	if errors.Is(err, factor.ErrNotEnrolled) {
		return x.settingsWith(pages.AlertNotEnrolled, http.StatusConflict)
	}
	if err != nil {
		return x.storeFailed("disable the second factor", err)
	}
	return x.factorsChanged(event.FactorsDisabled, pages.NoticeDisabled, factor.MethodNone, nil)
}

// showRecoveryCodes shows codes that were made a moment ago, once. Otherwise it offers to make new ones.
func (x *exchange) showRecoveryCodes() error {
	if len(x.data.Codes) == 0 {
		return x.ask(x.renewCodesPage)
	}
	switch {
	case x.r.Method == http.MethodHead:
		// The codes are shown once; a look at the headers must not be that time.
		return x.headersOnly(http.StatusOK)
	case isPrefetch(x.r):
		// Nobody may ever see what was fetched in advance; the browser asks again when somebody wants it.
		return x.headersOnly(http.StatusServiceUnavailable)
	}
	taken, err := x.take(session.TakeCodes())
	if err != nil {
		return x.storeFailed("take the recovery codes", err)
	}
	if !taken.Done {
		// Another window was quicker.
		return x.ask(x.renewCodesPage)
	}
	common := x.common()
	common.Status = taken.Before.Notice
	return x.config.Pages.RecoveryCodes(x.w, http.StatusOK, pages.RecoveryCodesView{
		Common: common, Codes: taken.Before.Codes, Continue: taken.Before.Next,
	})
}

func (x *exchange) renewRecoveryCodes() error {
	if answered, err := x.prove(x.renewCodesPage); answered || err != nil {
		return err
	}
	codes, err := x.config.Factors.NewRecoveryCodes(x.noting(), x.data.Identity)
	if errors.Is(err, factor.ErrNotEnrolled) {
		return x.settingsWith(pages.AlertNotEnrolled, http.StatusConflict)
	}
	if err != nil {
		return x.storeFailed("make recovery codes", err)
	}
	return x.factorsChanged(event.RecoveryCodesMade, pages.NoticeRecoveryCodes, factor.Method(x.data.Method()), codes)
}

// signOut ends the gateway's session. The app's own ends unused: nobody has its cookies any more.
func (x *exchange) signOut() error {
	if err := x.end(event.Event{Name: event.SignedOut}); err != nil {
		return x.storeFailed("end session", err)
	}
	if !x.wantsPage() {
		pages.SecurityHeaders(x.w.Header(), "")
		x.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return x.redirect(x.config.LoginPage)
}

// showStatus tells a script where the session stands.
func (x *exchange) showStatus() error {
	status := struct {
		State    string   `json:"state"`
		User     string   `json:"user"`
		Enrolled bool     `json:"enrolled"`
		Methods  []string `json:"methods"`
	}{State: x.state().String(), Methods: []string{}}
	if x.state() != gate.Anonymous {
		factors, err := x.enrolled(x.data.Identity)
		if err != nil {
			return x.storeFailed("read the second factor", err)
		}
		status.User, status.Enrolled = x.data.Identity, factors.Enrolled
		for _, method := range factors.Methods {
			status.Methods = append(status.Methods, string(method))
		}
	}
	body, err := json.Marshal(status)
	if err != nil {
		return err
	}
	h := x.w.Header()
	pages.SecurityHeaders(h, "")
	h.Set("Content-Type", "application/json")
	x.w.WriteHeader(http.StatusOK)
	_, err = x.w.Write(append(body, '\n'))
	return err
}
