package portal

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/internal/age"
	"sallyport.example/sallyport/pages"
	"sallyport.example/sallyport/session"
)

// What is here is about codes that are sent to the user (contract 5.7). A code opens something in the session that
// asked for it only.

// The types of problem documents for a code that was not sent.
const (
	problemLimited = "https://sallyport.invalid/too-many-codes"
	problemSender  = "https://sallyport.invalid/sender-unavailable"
)

// senderError is the error of a message that its sender did not take.
type senderError struct{ error }

func (e senderError) Unwrap() error { return e.error }

// deliver returns what sends a message to the user.
func deliver(x *Page) factor.Deliver {
	return func(ctx context.Context, message factor.Message) error {
		letter := exchange.Letter{
			Message: message, Browser: x.Origin().Browser, Client: x.Client(x.R), Host: exchange.HostOf(x.R),
			Language: pages.Language(x.Config.Pages, exchange.Languages(x.R)),
		}
		// The language is that of the user's own sign-ins, where one is known: who asks may be somebody else.
		if status, err := x.looked(); err == nil && status.Contact.Language != "" {
			letter.Language = status.Contact.Language
		}
		if err := x.Config.SendCode(ctx, letter); err != nil {
			return senderError{err}
		}
		return nil
	}
}

// codeSent returns the code of the kind that was sent in this session, if it can still be typed in.
func codeSent(x *Page, kind factor.Method) *factor.Ceremony {
	sent, err := factor.DecodeCeremony(x.Session().Sent)
	if err != nil || sent.Kind != kind || !kind.Sent() || !age.Within(x.Now, sent.Created, factor.Lifetime(x.Config.Factors, kind)) {
		return nil
	}
	return &sent
}

// answerTo is the answer of a kind, with the code that was sent.
func answerTo(x *Page, kind factor.Method, text string) factor.Answer {
	return factor.Answer{Kind: kind, Text: text, Asked: codeSent(x, kind)}
}

// addressOf is where a code of the kind would be sent, masked; empty if nowhere.
func addressOf(status *factor.Status, kind factor.Method) string {
	for _, f := range status.Factors {
		if f.Kind == kind {
			return f.To
		}
	}
	return ""
}

// sendCode sends a code: at the challenge, and in a verified session for a change of factors, for which a sent code is
// good only if the user has nothing stronger.
func sendCode(x *Page) error {
	kind := factor.Method(x.form.kind)
	if !kind.Sent() {
		return x.Fail(http.StatusBadRequest, pages.ErrorRequest)
	}
	status, err := x.looked()
	reason := ""
	switch {
	case err != nil:
		return x.StoreFailed("read the second factor", err)
	case !status.Enrolled && x.State() == gate.Pending:
		return proceedWithout(x, *status)
	case !serves(x, status, kind):
		return notSent(x, http.StatusConflict, "about:blank", "No such way", pages.AlertNoAddress)
	case x.State() == gate.Verified:
		reason = event.ReasonChange
		if !factor.Proves(kind, status.Kinds()) {
			return notSent(x, http.StatusForbidden, "about:blank", "Too weak", pages.AlertTooWeak)
		}
	}
	sent, err := factor.SendCode(x.Noting(), x.Config.Factors, x.Session().Identity, kind, deliver(x))
	if err != nil {
		return sendingFailed(x, err, kind, reason, challengeOf(x, kind))
	}
	x.StoreWorks(underway.StoreSecrets, true)
	x.Tell(event.Event{Name: event.CodeSent, User: x.Session().Identity, Method: string(kind), Reason: reason})
	// The code is younger than the request. Else the page would take it for one from the future, and have no field.
	x.Now = x.Config.Now()
	if _, err := x.Take(session.KeepSent(x.Session().Identity, sent.Ceremony.Encode())); err != nil {
		return x.sessionChanged(err)
	}
	if !x.WantsPage() {
		document, err := json.Marshal(struct {
			Kind    factor.Method `json:"kind"`
			To      string        `json:"to"`
			Expires int           `json:"expires_in"`
			Retry   int           `json:"retry_in"`
		}{kind, sent.To, seconds(sent.Expires), seconds(sent.Retry)})
		if err != nil {
			return err
		}
		return sendJSON(x, http.StatusOK, document)
	}
	if back := backTo(x, kind); back != "" {
		return x.Redirect(back)
	}
	common := x.Common()
	common.Status = pages.NoticeCodeSent
	return challengeOf(x, kind)(http.StatusOK, common)
}

// seconds are whole seconds, rounded up.
func seconds(d time.Duration) int { return max(0, int(math.Ceil(d.Seconds()))) }

// challengeOf shows the challenge by a kind of factor.
func challengeOf(x *Page, kind factor.Method) confirmation {
	return func(status int, common pages.Common) error {
		return x.Config.Pages.Challenge(x.W, status, challengeView(x, common, kind))
	}
}

// asksFirst are the addresses below base at which a change is confirmed.
var asksFirst = regexp.MustCompile(`^/(add|reset|disable|recovery-codes|factors/[0-9A-Za-z]+/(rename|remove))$`)

// backTo is the address of the confirmation for which a code was asked in a verified session: one of our own pages,
// which asks for the code then. Empty at the challenge.
func backTo(x *Page, kind factor.Method) string {
	if x.State() != gate.Verified {
		return ""
	}
	path, query, _ := strings.Cut(x.form.from, "?")
	fields, err := url.ParseQuery(query)
	if !asksFirst.MatchString(path) || err != nil {
		return x.Config.Base + "/"
	}
	kept := url.Values{pages.ProofQuery: {string(kind)}}
	for _, name := range []string{"kind", "factor"} {
		if value := fields.Get(name); value != "" {
			kept.Set(name, value)
		}
	}
	return x.Config.Base + path + "?" + kept.Encode()
}

// notSent answers if a code is not sent, at the challenge or at the page that asks before a change.
func notSent(x *Page, status int, problem, title, alert string) error {
	if !x.WantsPage() {
		return refuseScript(x, status, problem, title, alert)
	}
	if x.State() == gate.Verified {
		return x.settingsWith(alert, status)
	}
	common := x.Common()
	common.Alert = alert
	return challengeOf(x, factor.Method(x.form.kind))(status, common)
}

// sendingFailed answers if a code was not sent: too many, no sender, or none would be judged. show is the page that
// asked for it.
func sendingFailed(x *Page, err error, kind factor.Method, reason string, show confirmation) error {
	told := event.Event{Name: event.CodeSent, User: x.Session().Identity, Method: string(kind), Reason: reason}
	var limited *factor.LimitedError
	var sender senderError
	common := x.Common()
	status, problem, title := http.StatusServiceUnavailable, problemSender, "Code not sent"
	switch {
	case errors.As(err, &limited):
		told.Outcome, told.Reason = event.Refused, event.ReasonLimited
		status, problem, title = http.StatusTooManyRequests, problemLimited, "Too many codes"
		common.Alert = pages.AlertLimited
		x.W.Header().Set("Retry-After", strconv.Itoa(seconds(limited.Until.Sub(x.Now))))
		if reason == "" && codeSent(x, kind) == nil { // else the code that is on its way can be typed in meanwhile
			common.Wait = limited.Until.Sub(x.Now)
		}
	case errors.As(err, &sender):
		told.Outcome, told.Detail = event.Failed, sender.Error()
		common.Alert = pages.AlertSender
	case errors.Is(err, factor.ErrThrottled):
		return x.refuseCode(err, event.Event{Method: string(kind), Reason: reason}, pages.AlertWrongCode, show)
	case errors.Is(err, factor.ErrAddress) && reason == event.ReasonSetUp:
		common.Alert = pages.AlertAddress
		return show(http.StatusUnprocessableEntity, common)
	case errors.Is(err, factor.ErrAddress), errors.Is(err, factor.ErrNotEnrolled):
		return notSent(x, http.StatusConflict, "about:blank", "No such way", pages.AlertNoAddress)
	default:
		return x.StoreFailed("send a code", err)
	}
	x.Tell(told)
	if !x.WantsPage() {
		return refuseScript(x, status, problem, title, common.Alert)
	}
	if x.State() == gate.Verified && reason == event.ReasonChange {
		return x.settingsWith(common.Alert, status)
	}
	return show(status, common)
}

// sendProof sends the code by which the address of a factor is proved that is being set up, keeps the set-up in the
// session, and leads to the page that asks for the code. show is the page that asked for it.
func sendProof(x *Page, proposal factor.Ceremony, show confirmation) error {
	sent, err := factor.SendProof(x.Noting(), x.Config.Factors, x.Session().Identity, proposal, deliver(x))
	if err != nil {
		return sendingFailed(x, err, proposal.Kind, event.ReasonSetUp, show)
	}
	x.StoreWorks(underway.StoreSecrets, true)
	x.Tell(event.Event{Name: event.CodeSent, User: x.Session().Identity, Method: string(proposal.Kind), Reason: event.ReasonSetUp})
	if _, err := x.Take(session.Propose(x.Session().Identity, sent.Ceremony.Encode())); err != nil {
		return x.sessionChanged(err)
	}
	return x.Redirect(x.Config.Base + "/setup")
}

// withAddress is the request's context, with the address that was typed for the factor that is being set up.
func withAddress(x *Page) context.Context { return factor.WithTyped(x.Noting(), x.form.address) }

// saysAddress reports whether the form says where the codes of a kind are to go, and lacksAddress whether it has to and
// does not.
func saysAddress(x *Page, kind factor.Method) bool {
	return x.form.address != "" && factor.TypesAddress(x.Config.Factors, kind)
}

func lacksAddress(x *Page, kind factor.Method) bool {
	return x.form.address == "" && factor.TypesAddress(x.Config.Factors, kind)
}

// addressPage asks for the address of a factor that is being set up, or says that the app names none.
func addressPage(x *Page, kind factor.Method, further bool) confirmation {
	return func(status int, common pages.Common) error {
		view := pages.SetUpSentView{
			Common: common, Kind: string(kind), Typed: factor.TypesAddress(x.Config.Factors, kind), Further: further,
			Enrolling: x.State() == gate.Enrolling, Behind: x.behind(nil),
		}
		if x.form != nil {
			view.Address = x.form.address
		}
		for _, other := range offered(x) {
			if !further && other != kind {
				view.Others = append(view.Others, string(other))
			}
		}
		return pages.SetUpSent(x.Config.Pages, x.W, status, view)
	}
}

// offered are the kinds of factors that can be set up here.
func offered(x *Page) []factor.Method {
	return slices.DeleteFunc(x.Config.Factors.Each().Offered(x.OriginOf(x.R)), func(kind factor.Method) bool {
		if !kind.Sent() || x.Config.SendCode == nil || factor.TypesAddress(x.Config.Factors, kind) {
			return kind.Sent() && x.Config.SendCode == nil
		}
		named := map[factor.Method]string{factor.MethodMail: x.Session().Mail, factor.MethodSMS: x.Session().Phone}
		return named[kind] == "" // the app has named none, or something that is none
	})
}

// proveAgain sends another code for an address that is being set up, or the first to another one. The set-up stays what
// it is: of a first factor with its claim, or beside others, which a proof has allowed.
func proveAgain(x *Page, proposal factor.Ceremony) error {
	kind, further := proposal.Kind, proposal.Beside != ""
	show := func(status int, common pages.Common) error { return setUpPage(x, status, common, proposal) }
	if !saysAddress(x, kind) {
		if offer, err := x.Config.Factors.Show(proposal); err == nil && offer.To == "" {
			return x.Redirect(x.Config.Base + "/setup") // which asks for the address
		}
		return sendProof(x, proposal, show)
	}
	begun, err := x.Config.Factors.Each().BeginAdd(withAddress(x), x.Session().Identity, kind)
	switch {
	case errors.Is(err, factor.ErrAddress):
		common := x.Common()
		common.Alert = pages.AlertAddress
		return addressPage(x, kind, further)(http.StatusUnprocessableEntity, common)
	case err != nil || begun.Beside != proposal.Beside:
		return proposalLost(x, factor.ErrProposalStale)
	}
	return sendProof(x, begun, addressPage(x, kind, further))
}

// sentProofs adds to a confirmation the sent codes that would prove it: none, if the user has something stronger.
func sentProofs(x *Page, status *factor.Status, view *pages.ConfirmView) {
	proof := factor.Method(x.R.URL.Query().Get(pages.ProofQuery))
	if x.form != nil {
		proof = factor.Method(x.form.proof)
	}
	view.From = strings.TrimPrefix(x.Path.Text, x.Config.Base)
	for _, kind := range []factor.Method{factor.MethodMail, factor.MethodSMS} {
		if !usable(x, status, kind) || !factor.Proves(kind, status.Kinds()) {
			continue
		}
		view.Sends = append(view.Sends, pages.SendLine{Kind: string(kind), To: addressOf(status, kind)})
		if proof == kind && codeSent(x, kind) != nil {
			view.Proof, view.To = string(kind), addressOf(status, kind)
		}
	}
}

// provedEnough is when a factor was last proved in this session that is a proof for a change: a sent code is none if
// the user has something stronger. Zero if there is none, and if nobody knows what the user has.
func provedEnough(x *Page) (last time.Time) {
	status, err := x.looked()
	if err != nil {
		return last
	}
	for _, proof := range x.Session().Proofs {
		if !proof.Trusted && proof.At.After(last) && factor.Proves(factor.Method(proof.Method), status.Kinds()) {
			last = proof.At
		}
	}
	return last
}
