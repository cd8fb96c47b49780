package login

import "net/http"

// RefusedError tells that a request is a login, or may be one to some app, and must not reach any.
type RefusedError struct {
	// Status is what to answer: 400, 405, 413 or 429.
	Status int
	// Reason is a plain sentence for the user.
	Reason string
	// Log names the defect for the operator. It holds nothing that the client sent.
	Log string
}

// Error implements error.
func (e *RefusedError) Error() string { return "login refused: " + e.Log }

// UnexaminedError tells that whether the request is a login stands in its body, and that this body could not be read to
// its end. It must be refused in a session that is not verified; a verified one may send it, and its identity has to be
// asked afresh afterwards.
type UnexaminedError struct {
	// Status is what to answer where it is refused: 400, 413 or 429.
	Status int
	// Reason is a plain sentence for the user.
	Reason string
	// Log names the defect for the operator. It holds nothing that the client sent.
	Log string
}

// Error implements error.
func (e *UnexaminedError) Error() string { return "login not examined: " + e.Log }

const (
	reasonSpelling = "This address of the login is not spelled in the usual way. Please open the login page and sign in there."
	reasonForm     = "The login could not be read. Please open the login page again and sign in there."
	reasonMissing  = "The login did not carry a user name."
	reasonTwice    = "The login carried more than one user name."
	reasonName     = "A user name of this form cannot be used here."
	reasonLarge    = "The login is too large."
	reasonPassword = "The password that came with the request could not be read."
	reasonCharset  = "The login is not written in UTF-8."
)

func refuse(reason, log string) *RefusedError {
	return &RefusedError{Status: http.StatusBadRequest, Reason: reason, Log: log}
}

// refuseMethod is for what stands at a login's address and is neither the login nor its page.
func refuseMethod() *RefusedError {
	return &RefusedError{Status: http.StatusMethodNotAllowed, Reason: reasonForm, Log: "a login's address, asked for by a method that is not its own"}
}

func tooLarge() *RefusedError {
	return &RefusedError{Status: http.StatusRequestEntityTooLarge, Reason: reasonLarge, Log: "body over 64 KiB"}
}

func noRoom() *RefusedError {
	return &RefusedError{Status: http.StatusTooManyRequests, Reason: reasonForm, Log: "too many bodies over 64 KiB at once"}
}

func longForm() *RefusedError {
	return &RefusedError{Status: http.StatusRequestEntityTooLarge, Reason: reasonForm, Log: "form over 1 MiB where a login is known by its fields"}
}

func (e *RefusedError) unexamined() *UnexaminedError {
	return &UnexaminedError{Status: e.Status, Reason: e.Reason, Log: e.Log}
}
