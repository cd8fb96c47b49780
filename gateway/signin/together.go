package signin

import (
	"context"
	"strings"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway/exchange"
)

// A browser that is started again asks for all its tabs at once, each time with the password and without a session. All
// of them are to have one session: the browser keeps the cookie of only one of them, and the challenge that it shows
// has to belong to that one.
//
// They share a session only while a factor is owed. The token of such a session is worth no more than the password that
// each of them sent, and it is dead when the factor is proved (P8). A session in which a factor is being set up shows
// its seed, and a verified one is worth more than the password: these are never shared.

// signInTogether tries the password of a request for several that are the same browser's. A request that is not the
// first of them waits for the first, and joins its session.
func signInTogether(x *Exchange, line string, judge func() exchange.Answer) exchange.Answer {
	if x.Token != "" || x.Apart || x.Blind() {
		return judge()
	}
	cookies := strings.Join(x.ClientCookies(), "; ") // one of them may be that of a trusted browser
	first, leads := x.Together.Join(x.Now, x.Config.App, exchange.HostOf(x.R), x.Client(x.R), x.R.UserAgent(), cookies, line)
	if leads {
		token := ""
		defer func() { first.End(token) }()
		answer := judge()
		if x.State() == gate.Pending {
			token = x.Token
		}
		return answer
	}
	if first != nil && joins(x, first.Token(x.R.Context()), line) {
		x.Authorization = line
		return nil
	}
	return judge()
}

// joins makes the session of a token that of this request, if it is one that requests with this password may share.
func joins(x *Exchange, token, line string) bool {
	if token == "" {
		return false
	}
	data, err := x.Config.Sessions.Load(context.WithoutCancel(x.R.Context()), token)
	if err != nil || data == nil || data.State != gate.Pending || data.Host != exchange.HostOf(x.R) || !data.Bonds.Basic(line) {
		return false // the request signs in by itself, and meets what is wrong with the store there
	}
	exchange.JoinSession(&x.Exchange.Exchange, token, data)
	return true
}
