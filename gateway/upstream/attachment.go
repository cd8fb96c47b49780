package upstream

import "sallyport.example/sallyport/gate"

// BasicAttachment makes an attachment of a line of HTTP Basic.
func BasicAttachment(line string) Attachment { return Attachment{header: "Authorization", value: line} }

// Attachment is a credential that a question of ours carries instead of cookies or besides them. The zero value is
// none.
type Attachment struct{ header, value string }

// attachment is the credential of this request's session.
func (x *Exchange) attachment() Attachment {
	switch {
	case x.State() != gate.Verified:
		return Attachment{}
	case x.Authorization != "":
		return BasicAttachment(x.Authorization)
	}
	return x.TokenAttachment(x.Session().Token)
}

// TokenAttachment makes an attachment of a bearer token. Without a token it is the zero value.
func (x *Exchange) TokenAttachment(token string) Attachment {
	if token == "" {
		return Attachment{}
	}
	if x.Config.TokenScheme != "" {
		token = x.Config.TokenScheme + " " + token
	}
	return Attachment{header: x.Config.TokenHeader, value: token}
}
