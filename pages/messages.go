package pages

// Notices for Common.Status. They are keys and so may be kept in a session until the next page.
const (
	NoticeEnabled       = "notice.enabled"
	NoticeReset         = "notice.reset"
	NoticeDisabled      = "notice.disabled"
	NoticeRecoveryCodes = "notice.recovery-codes"
	NoticeRecoveryUsed  = "notice.recovery-used"

	NoticeBrowserForgotten  = "notice.browser-forgotten"
	NoticeBrowsersForgotten = "notice.browsers-forgotten"
	NoticeSessionEnded      = "notice.session-ended"
	NoticeSessionsEnded     = "notice.sessions-ended"
)

// Alerts for Common.Alert.
const (
	// AlertWrongCode is for a wrong code and for one that was used before: the words are the same.
	AlertWrongCode = "alert.wrong-code"
	// AlertWrongRecoveryCode is for a wrong or used recovery code.
	AlertWrongRecoveryCode = "alert.wrong-recovery-code"
	// AlertWrongNewCode is for a code that does not belong to the token being set up.
	AlertWrongNewCode = "alert.wrong-new-code"
	// AlertNoCode is for an empty field.
	AlertNoCode = "alert.no-code"
	// AlertThrottled is for attempts that come too soon; see Common.Wait.
	AlertThrottled = "alert.throttled"
	// AlertStopped is for a user whose attempts are refused until an operator acts.
	AlertStopped = "alert.stopped"
	// AlertStale is for a set-up or reset that something else overtook.
	AlertStale = "alert.stale"
	// AlertAlreadyEnrolled is for a set-up where there is a token by now.
	AlertAlreadyEnrolled = "alert.already-enrolled"
	// AlertNotEnrolled is for a change to a token that is no longer there.
	AlertNotEnrolled = "alert.not-enrolled"
	// AlertRequired is for disabling what is required.
	AlertRequired = "alert.required"
	// AlertGraceOver is for going on without a second factor when one is required by now.
	AlertGraceOver = "alert.grace-over"
)

// Labels for Link.Label.
const (
	LabelContinue = "label.continue"
	LabelRetry    = "label.retry"
	LabelSettings = "label.settings"
	LabelSignIn   = "label.sign-in"
)

// linkSettings is what the link to the settings page says that stands in the app's own pages; see
// Renderer.SettingsLink.
const linkSettings = "settings.link"

// ErrorKind names an error that has words in the catalogue.
type ErrorKind string

// The errors that a user may meet. The status beside each is what fits it; the caller decides.
const (
	// ErrorInternal: a fault of the gateway's own (500).
	ErrorInternal ErrorKind = "internal"
	// ErrorUnavailable: secrets or sessions cannot be reached just now (503).
	ErrorUnavailable ErrorKind = "unavailable"
	// ErrorApp: the app did not answer, or not so that it could be understood (502).
	ErrorApp ErrorKind = "app"
	// ErrorIdentity: it could not be established whose account the app opened (403, 502).
	ErrorIdentity ErrorKind = "identity"
	// ErrorForm: the CSRF token is missing or old, or the request came from elsewhere (403).
	ErrorForm ErrorKind = "form"
	// ErrorForbidden: not allowed to this session (403).
	ErrorForbidden ErrorKind = "forbidden"
	// ErrorRequest: the request is malformed (400).
	ErrorRequest ErrorKind = "request"
	// ErrorTooLarge: the request is too large (413).
	ErrorTooLarge ErrorKind = "too-large"
	// ErrorNotFound: no such page below Base (404).
	ErrorNotFound ErrorKind = "not-found"
	// ErrorMethod: the page does not take this method (405).
	ErrorMethod ErrorKind = "method"
	// ErrorInsecure: the request came over plain HTTP from another machine (403).
	ErrorInsecure ErrorKind = "insecure"
	// ErrorTooEarly: a POST in TLS early data, which could be a replay (425).
	ErrorTooEarly ErrorKind = "too-early"
	// ErrorThrottled: too many attempts (429).
	ErrorThrottled ErrorKind = "throttled"
	// ErrorStopped: refused until an operator acts (403, 429).
	ErrorStopped ErrorKind = "stopped"
	// ErrorExpired: the session ended before the factor was passed (403).
	ErrorExpired ErrorKind = "expired"
	// ErrorRequired: a second factor is required here and cannot be disabled (403).
	ErrorRequired ErrorKind = "required"
	// ErrorCustody: the app set more cookies than custody holds (502).
	ErrorCustody ErrorKind = "custody"
)
