package match

import "net/http"

// HasBody reports whether a request has a body, or may have one whose length is not known yet. The body itself is no
// help: servers wrap it, so that it is never http.NoBody.
func HasBody(r *http.Request) bool { return r.ContentLength != 0 || len(r.TransferEncoding) > 0 }
