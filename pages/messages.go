package pages

// Notices for Common.Status. They are keys and so may be kept in a session until the next page.
const (
	NoticeEnabled       = "notice.enabled"
	NoticeReset         = "notice.reset"
	NoticeDisabled      = "notice.disabled"
	NoticeRecoveryCodes = "notice.recovery-codes"
	NoticeRecoveryUsed  = "notice.recovery-used"
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
)

// Labels for Link.Label.
const (
	LabelContinue = "label.continue"
	LabelRetry    = "label.retry"
	LabelSettings = "label.settings"
	LabelSignIn   = "label.sign-in"
)

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

// catalogue is one language. {0}, {1} … in a message are its arguments.
type catalogue struct {
	// language is the tag for <html lang>, direction ltr or rtl.
	language, direction string
	messages            map[string]string
}

// english is the language that every other must be complete against.
var english = catalogue{language: "en", direction: "ltr", messages: map[string]string{
	NoticeEnabled:       "Two-factor authentication is enabled",
	NoticeReset:         "Your new token is in use. The old one no longer works",
	NoticeDisabled:      "Two-factor authentication is disabled",
	NoticeRecoveryCodes: "You have new recovery codes. The old ones no longer work",
	NoticeRecoveryUsed:  "You used a recovery code, which will not work again. If you no longer have your authenticator, reset your token",

	AlertWrongCode:         "That code is wrong or was used before. Wait for the next one and try again.",
	AlertWrongRecoveryCode: "That recovery code is wrong or was used before.",
	AlertWrongNewCode:      "That code does not fit the new token. Check that the clock of your device is right and type the code shown now.",
	AlertNoCode:            "Type the code into the field.",
	AlertThrottled:         "Too many wrong codes.",
	AlertStopped:           "Too many wrong codes. No further attempts are accepted. Ask your administrator to unlock your account.",
	AlertStale:             "This was overtaken by another change to your account. Please begin again.",
	AlertAlreadyEnrolled:   "Two-factor authentication has been set up already, perhaps in another window.",
	AlertNotEnrolled:       "Two-factor authentication is no longer set up, perhaps because of a change in another window.",
	AlertRequired:          "Two-factor authentication is required here and cannot be disabled.",

	LabelContinue: "Continue",
	LabelRetry:    "Try again",
	LabelSettings: "Back to the settings",
	LabelSignIn:   "Sign in",

	"page.title":    "{0} – {1}",
	"page.error":    "Error: {0}",
	"page.user":     "Signed in as {0}",
	"page.sign-out": "Sign out",
	"page.cancel":   "Cancel",

	"code.label":          "Code",
	"code.hint":           "The {0} digits that your authenticator app shows now.",
	"code.either":         "The {0} digits that your authenticator app shows now, or a recovery code.",
	"code.recovery.label": "Recovery code",
	"code.recovery.hint":  "One that you have not used yet. Capital letters, spaces and dashes do not matter.",
	"code.use-recovery":   "Use a recovery code instead",
	"code.use-app":        "Use your authenticator app instead",

	"challenge.title":   "Two-Factor Authentication",
	"challenge.lead":    "You are signing in as {0}. One more step: the code from your authenticator app.",
	"challenge.nobody":  "One more step: the code from your authenticator app.",
	"challenge.submit":  "Verify",
	"challenge.another": "Sign in as someone else",

	"recovery.title":  "Recovery Code",
	"recovery.lead":   "You are signing in as {0}. Without your authenticator app you can use one of the recovery codes that you kept.",
	"recovery.nobody": "Without your authenticator app you can use one of the recovery codes that you kept.",
	"recovery.lost":   "No recovery codes either? Ask your administrator for help.",

	"setup.title":     "Set up Two-Factor Authentication",
	"setup.start":     "Set up Two-Factor Authentication",
	"setup.required":  "{0} requires two-factor authentication, and your account has none yet. Set it up to go on.",
	"setup.why":       "With two-factor authentication a stolen password is not enough: signing in takes a code from your phone as well.",
	"setup.need":      "You need an authenticator app, on your phone or in your password manager.",
	"setup.scan":      "Scan this QR code with your authenticator app.",
	"setup.no-qr":     "Add this key to your authenticator app. The account's name is too long for a QR code.",
	"setup.qr":        "QR code with the key for your authenticator app",
	"setup.open":      "Open in an app on this device",
	"setup.key":       "Cannot scan it? Type this key instead:",
	"setup.copy":      "Copy key",
	"setup.copied":    "Copied",
	"setup.type":      "Kind: time-based",
	"setup.algorithm": "Algorithm: {0}",
	"setup.digits":    "Digits: {0}",
	"setup.period":    "Period: {0}",
	"setup.prove":     "Type the code that the app shows.",
	"setup.submit":    "Confirm",

	"reset.setup.title": "Reset Token",
	"reset.setup.lead":  "Your old token stays valid until you confirm the new one.",

	"reset.title":  "Reset Token",
	"reset.lead":   "You get a new QR code, for a new phone or another app. Your old token stays valid until you confirm the new one. Your recovery codes stay the same.",
	"reset.others": "Once confirmed, your other sessions are signed out.",
	"reset.submit": "Reset",

	"disable.title":  "Disable Two-Factor Authentication",
	"disable.lead":   "Your password alone will then open your account. Your token and your recovery codes are deleted.",
	"disable.others": "Your other sessions are signed out.",
	"disable.submit": "Disable",

	"renew.title":  "New Recovery Codes",
	"renew.lead":   "You get ten new recovery codes. The ones you have now stop working at once.",
	"renew.others": "Your other sessions are signed out.",
	"renew.submit": "Get New Recovery Codes",

	"codes.title":    "Recovery Codes",
	"codes.lead":     "If you lose your phone, each of these codes lets you in once. Keep them where only you can find them, and not on that phone.",
	"codes.once":     "They are shown this once only.",
	"codes.copy":     "Copy",
	"codes.copied":   "Copied",
	"codes.print":    "Print",
	"codes.continue": "Continue",

	"settings.title":     "Personal Settings",
	"settings.tab":       "Two-Factor Authentication",
	"settings.state":     "State",
	"settings.on":        "On",
	"settings.off":       "Off",
	"settings.since":     "Set up",
	"settings.used":      "Last used",
	"settings.never":     "Not yet",
	"settings.unknown":   "Not known",
	"settings.codes":     "Recovery codes",
	"settings.left":      "{0} of {1} left",
	"settings.few":       "Get new ones before they run out.",
	"settings.none":      "None left. Get new ones now, or losing your phone will lock you out.",
	"settings.token":     "Token",
	"settings.token.why": "For a new phone or another authenticator app.",
	"settings.reset":     "Reset Token",
	"settings.codes.why": "They let you in when your phone is lost.",
	"settings.renew":     "New Recovery Codes",
	"settings.disable":   "Disable Two-Factor Authentication",
	"settings.turn-off":  "Turn off",
	"settings.risk":      "Your password alone will then open your account.",
	"settings.required":  "Two-factor authentication is required here and cannot be disabled.",
	"settings.due":       "Two-factor authentication is required here. Please set it up before {0}.",
	"settings.must":      "Two-factor authentication is required here. Please set it up now.",
	"settings.home":      "Back to {0}",

	"signed-out.title":    "Signed Out",
	"signed-out.happened": "You are signed out.",
	"signed-out.advice":   "On a shared computer, close the browser as well.",

	"wait.again":   "Try again in {0}.",
	"wait.second":  "1 second",
	"wait.seconds": "{0} seconds",
	"wait.minute":  "1 minute",
	"wait.minutes": "{0} minutes",
	"wait.hour":    "1 hour",
	"wait.hours":   "{0} hours",

	"month.1": "January", "month.2": "February", "month.3": "March", "month.4": "April", "month.5": "May", "month.6": "June",
	"month.7": "July", "month.8": "August", "month.9": "September", "month.10": "October", "month.11": "November", "month.12": "December",
	"time.format": "{0} {1} {2}, {3} UTC",

	"error.internal.title":       "Something went wrong",
	"error.internal.happened":    "The sign-in gateway met an error that it did not expect.",
	"error.internal.advice":      "Try again. If it happens again, tell your administrator.",
	"error.unavailable.title":    "Not available just now",
	"error.unavailable.happened": "Your second factor cannot be checked at the moment, so access stays closed. Nothing was lost.",
	"error.unavailable.advice":   "Try again in a little while. If it lasts, tell your administrator.",
	"error.app.title":            "The application did not answer",
	"error.app.happened":         "The application behind this sign-in gave no answer, or one that could not be understood.",
	"error.app.advice":           "Try again in a little while. If it lasts, tell your administrator.",
	"error.identity.title":       "Sign-in not completed",
	"error.identity.happened":    "The application accepted the sign-in, but did not say clearly whose account it is.",
	"error.identity.advice":      "Sign in again. If it happens again, tell your administrator.",
	"error.form.title":           "This form has expired",
	"error.form.happened":        "The form was too old, or did not come from this site. Nothing was changed.",
	"error.form.advice":          "Go back, reload the page and try again. Cookies must be allowed for this site.",
	"error.forbidden.title":      "Not allowed",
	"error.forbidden.happened":   "This request is not allowed.",
	"error.forbidden.advice":     "Go back, or sign in again.",
	"error.request.title":        "Request not understood",
	"error.request.happened":     "What your browser sent could not be read without doubt, so it was not passed on.",
	"error.request.advice":       "Go back, reload the page and try again.",
	"error.too-large.title":      "Too much data",
	"error.too-large.happened":   "What your browser sent is larger than is accepted here.",
	"error.too-large.advice":     "Go back and send less.",
	"error.not-found.title":      "Page not found",
	"error.not-found.happened":   "There is no page at this address.",
	"error.not-found.advice":     "Check the address, or go on from the settings page.",
	"error.method.title":         "Not possible here",
	"error.method.happened":      "This page does not take that kind of request.",
	"error.method.advice":        "Open the page again from the settings.",
	"error.insecure.title":       "Please use https",
	"error.insecure.happened":    "The connection is not encrypted, so that your session could be stolen on the way.",
	"error.insecure.advice":      "Open the same address with https:// in front. If that does not work, tell your administrator.",

	"error.too-early.title":    "Please send it again",
	"error.too-early.happened": "The request arrived before the connection was fully set up, when it could have been a copy.",
	"error.too-early.advice":   "Try again.",
	"error.throttled.title":    "Too many attempts",
	"error.throttled.happened": "There were too many wrong codes for this account.",
	"error.throttled.advice":   "Wait, then try again. If these attempts were not yours, change your password.",
	"error.stopped.title":      "Account locked",
	"error.stopped.happened":   "There were so many wrong codes for this account that no further attempts are accepted.",
	"error.stopped.advice":     "Ask your administrator to unlock your account. If these attempts were not yours, change your password.",
	"error.expired.title":      "Time is up",
	"error.expired.happened":   "The sign-in was not completed in time.",
	"error.expired.advice":     "Sign in again.",
	"error.required.title":     "Two-factor authentication is required",
	"error.required.happened":  "Everyone needs a second factor here, so it cannot be disabled.",
	"error.required.advice":    "You can reset your token instead.",
	"error.custody.title":      "Too many cookies",
	"error.custody.happened":   "The application set more cookies than can be kept for it.",
	"error.custody.advice":     "Sign out and sign in again. If it happens again, tell your administrator.",
}}
