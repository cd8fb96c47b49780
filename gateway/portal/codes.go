package portal

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/gateway/exchange"
	"sallyport.example/sallyport/gateway/underway"
	"sallyport.example/sallyport/pages"
)

// noCode answers a form with an empty field, which is no attempt.
func (x *Page) noCode(show func(int, pages.Common) error) error {
	common := x.Common()
	common.Alert = pages.AlertNoCode
	if !x.WantsPage() {
		return x.codeProblem(http.StatusUnprocessableEntity, common)
	}
	return show(http.StatusUnprocessableEntity, common)
}

// tellRefused emits the event of a code that was not accepted, with what follows from it.
func (x *Page) tellRefused(err error, as event.Event) {
	as.Name, as.User = event.ChallengeFailed, x.Session().Identity
	var throttled *factor.ThrottledError
	if errors.As(err, &throttled) {
		as.Outcome, as.Reason = event.Refused, event.ReasonThrottled
		if throttled.Stopped {
			as.Reason = event.ReasonStopped
		}
	} else if as.Reason != event.ReasonSetUp {
		x.StoreWorks(underway.StoreSecrets, true) // the store has counted the attempt
	}
	x.Tell(as)
	var wrong *factor.WrongCodeError
	switch {
	case !errors.As(err, &wrong):
	case wrong.Stopped:
		x.Tell(event.Event{Name: event.Stopped, User: as.User, Method: as.Method})
	default:
		x.Tell(event.Event{Name: event.Throttled, User: as.User, Method: as.Method, Until: wrong.Until})
	}
}

// codeProblem answers a JSON challenge that was not passed: 422 or 429 (contract 5.3).
func (x *Page) codeProblem(status int, common pages.Common) error {
	title, detail := "Wrong code", x.Config.Pages.Text(common.Languages, common.Alert)
	switch {
	case status == http.StatusTooManyRequests:
		title = "Too many wrong codes"
	case common.Alert == pages.AlertUsedCode:
		title, detail = "Code used already", x.Config.Pages.UsedCode(common.Languages, common.Wait)
	}
	return x.WriteProblem(exchange.Problem{
		Type: "about:blank", Title: title, Status: status, Detail: detail, Challenge: x.Config.Base + "/challenge",
	})
}

// retryAfter says when the next code will be judged, in whole seconds, rounded up.
func retryAfter(h http.Header, throttled *factor.ThrottledError, now time.Time) {
	if wait := throttled.Until.Sub(now); !throttled.Stopped && wait > 0 {
		h.Set("Retry-After", strconv.Itoa(seconds(wait)))
	}
}

// throttled adds to a page that asks for a code when the next code will be judged, unless that is at once.
func (x *Page) throttled(common pages.Common, status factor.Status) pages.Common {
	switch wait := status.BlockedUntil.Sub(x.Now); {
	case status.Stopped:
		common.Alert = pages.AlertStopped
	case wait > 0:
		common.Alert, common.Wait = pages.AlertThrottled, wait
	}
	return common
}

// refuseCode answers a code that was not accepted: 422, or 429 with the time to wait. show renders the page again. A
// code that was used already gets another message than a wrong one, because it cannot be used again. as says what is
// known of the code.
func (x *Page) refuseCode(
	err error, as event.Event, alert string, show func(status int, common pages.Common) error,
) error {
	common := x.Common()
	var throttled *factor.ThrottledError
	var used *factor.UsedCodeError
	status := http.StatusUnprocessableEntity
	switch {
	case errors.As(err, &throttled):
		status = http.StatusTooManyRequests
		common.Alert = pages.AlertThrottled
		common.Wait = throttled.Until.Sub(x.Now)
		if throttled.Stopped {
			common.Alert, common.Wait = pages.AlertStopped, 0
		}
		retryAfter(x.W.Header(), throttled, x.Now)
	case errors.As(err, &used):
		common.Alert, common.Wait = pages.AlertUsedCode, max(used.Until.Sub(x.Now), time.Second)
	case errors.Is(err, factor.ErrWrongCode):
		common.Alert = alert
	default:
		return x.StoreFailed("judge a code", err)
	}
	x.tellRefused(err, as)
	if !x.WantsPage() {
		return x.codeProblem(status, common)
	}
	var wrong *factor.WrongCodeError
	switch {
	case !errors.As(err, &wrong):
	case wrong.Stopped:
		common.Alert = pages.AlertStopped
	default:
		common.Wait = wrong.Until.Sub(x.Now)
	}
	return show(status, common)
}
