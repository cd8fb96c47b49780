package samples

import (
	"net/http"
	"time"

	"sallyport.example/sallyport/pages"
)

// sent are further pages about codes that are sent.
func sent(r *pages.Renderer, common pages.Common) []Sample {
	const to = "a•••@example.com"
	alert := func(alert string, wait time.Duration) pages.Common {
		c := common
		c.Alert, c.Wait = alert, wait
		return c
	}
	told := common
	told.Status = pages.NoticeCodeSent
	challenge := func(name string, status int, v pages.ChallengeView) Sample {
		v.Way, v.To = "mail", to
		return Sample{Name: name, Show: func(w http.ResponseWriter) error { return r.Challenge(w, status, v) }}
	}
	address := func(name string, status int, v pages.SetUpSentView) Sample {
		v.Typed = true
		return Sample{Name: name, Show: func(w http.ResponseWriter) error { return pages.SetUpSent(r, w, status, v) }}
	}
	return []Sample{
		challenge("challenge-mail-sent", http.StatusOK, pages.ChallengeView{Common: told, Asked: true, Ways: []string{"passkey", "totp", "sms"}}),
		challenge("challenge-mail-wrong", http.StatusUnprocessableEntity, pages.ChallengeView{Common: alert(pages.AlertWrongCode, 0), Asked: true}),
		challenge("challenge-mail-limited", http.StatusTooManyRequests, pages.ChallengeView{Common: alert(pages.AlertLimited, 25*time.Minute), Ways: []string{"sms"}}),
		challenge("challenge-mail-failed", http.StatusServiceUnavailable, pages.ChallengeView{Common: alert(pages.AlertSender, 0)}),
		address("setup-mail-address", http.StatusOK, pages.SetUpSentView{Common: common, Kind: "mail", Enrolling: true, Others: []string{"totp", "passkey"}}),
		address("setup-sms-refused", http.StatusUnprocessableEntity, pages.SetUpSentView{Common: alert(pages.AlertAddress, 0), Kind: "sms", Address: "0401234567"}),
	}
}
