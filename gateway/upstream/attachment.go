package upstream

import "sallyport.example/sallyport/gate"

// BasicAttachment is how a password goes with a question.
func BasicAttachment(line string) Attachment { return Attachment{header: "Authorization", value: line} }

// Attachment is what goes with a question of ours in the place of cookies, or beside them. The zero value is nothing.
type Attachment struct{ header, value string }

// attachment is what this request's session can prove itself with.
func (x *Exchange) attachment() Attachment {
	switch {
	case x.State() != gate.Verified:
		return Attachment{}
	case x.Authorization != "":
		return BasicAttachment(x.Authorization)
	}
	return x.TokenAttachment(x.Session().Token)
}

// TokenAttachment is how a bearer token goes with a question of ours; nothing for none.
func (x *Exchange) TokenAttachment(token string) Attachment {
	if token == "" {
		return Attachment{}
	}
	if x.Config.TokenScheme != "" {
		token = x.Config.TokenScheme + " " + token
	}
	return Attachment{header: x.Config.TokenHeader, value: token}
}
