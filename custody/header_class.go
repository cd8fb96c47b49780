package custody

import (
	"bytes"
	"errors"
	"fmt"
	"net/textproto"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// ending is the folded ending of the names of a class of headers.
type ending struct {
	text string
	fate fate
	// word: the ending has to be a whole word, so that it fits X-Client-Ip and not X-Zip.
	word bool
}

// endings classify headers by how their names end, also in the plural and with a number after them. Apps keep inventing
// such names, so no list of whole names is ever complete.
var endings = gatherEndings(map[fate]map[bool][]string{
	fateAsk: {
		false: {
			// Credentials. Names that contain csrf or xsrf are not credentials.
			"cookie", "token", "key", "auth", "authorization", "authentication", "session", "sessionid", "session-id", "jwt", "secret",
			"bearer", "authn", "authz", "creds", "hawk", "password", "passwd", "passphrase", "passcode", "pass-code", "access-code", "auth-code", "login-code", "credential", "ticket",
			"assertion", "wsse",
			// The user's identity.
			"user", "username", "userid", "user-id", "user-name", "user-email", "user-mail", "user-login", "user-role", "user-group",
			"user-dn", "user-uid", "useremail", "userinfo", "user-info", "userprincipalname", "loginname", "login-name", "nameid", "name-id",
			"act-as", "acting-as", "on-behalf-of", "onbehalfof", "impersonate", "impersonation", "run-as", "account-name", "accountname", "logged-in", "loggedin",
			// The origin of a request.
			"clientip", "realip", "remoteip", "socketip", "userip", "sourceip", "remoteaddr", "clientaddr", "forwarded-for", "forwarder-for",
			"proxied-for", "remote-address", "client-address", "ip-address", "viewer-address", "peer-address",
			// Where the app is mounted. Names that are known for this are dropped in any case.
			"path", "scriptname", "script-name", "base-url", "root-url", "mount-url", "script-url", "baseurl", "rooturl", "mountpoint",
			"mount-point",
			// The app's address.
			"forwarded-proto", "forwarded-host", "real-host", "url-scheme",
		},
		true: {
			"sid", "pwd", "pass", "otp", "pin",
			"email", "mail", "upn", "login", "member", "dn", "cn", "cert", "certificate",
			"ip", "ipv", "addr", "forwarded",
			"prefix", "uri", "root", "mount", "base",
			// The app's address: at another address an app may use another cookie.
			"scheme", "proto", "https", "ssl", "host",
		},
	},
	fateMethod: {
		false: {"method-override", "override-method", "methodoverride", "overridemethod", "http-method", "http-verb", "httpmethod"},
	},
})

// endingTable has the endings by their last two characters, so that a name is compared with few of them.
type endingTable [1 << 10][]ending

// slot is the index of the endings that have the same last two characters as a name.
func slot[T string | []byte](name T) int {
	return int(name[len(name)-2]&31)<<5 | int(name[len(name)-1]&31)
}

func gatherEndings(lists map[fate]map[bool][]string) *endingTable {
	table := new(endingTable)
	for fate, kinds := range lists {
		for word, texts := range kinds {
			for _, text := range texts {
				at := slot(text)
				table[at] = append(table[at], ending{text, fate, word})
			}
		}
	}
	return table
}

// of returns the fate of a folded name by its ending; fateKeep if no ending fits.
func (table *endingTable) of(name []byte) fate {
	if len(name) < 2 {
		return fateKeep
	}
	for _, e := range table[slot(name)] {
		start := len(name) - len(e.text)
		if start >= 0 && string(name[start:]) == e.text && (!e.word || start == 0 || name[start-1] == '-') {
			return e.fate
		}
	}
	return fateKeep
}

// fateOf returns the fate of the header with a folded name.
func fateOf(folded []byte) fate {
	if known, ok := fates[string(folded)]; ok {
		return known
	}
	stem := stemOf(folded)
	if len(stem) == 0 {
		return fateDrop
	}
	if len(stem) < len(folded) {
		switch known := fates[string(stem)]; known {
		case fateKeep:
		case fateOpen, fateSpelled:
			// This spelling would get past everything that looks for the header's name.
			return fateDrop
		default:
			return known
		}
	}
	if f := familyOf(stem); f != fateKeep {
		return f
	}
	f := endings.of(stem)
	if last := len(stem) - 1; f == fateKeep && stem[last] == 's' && last > 0 {
		f = endings.of(stem[:last])
	}
	switch {
	case f == fateAsk && againstForgery(folded), f == fateKeep && againstForgery(folded):
		return fateOpen
	case f == fateKeep && folded[0] == 's':
		for _, prefix := range openFamilies {
			if len(folded) > len(prefix) && string(folded[:len(prefix)]) == prefix {
				return fateOpen
			}
		}
	}
	return f
}

// familyOf returns the fate of a folded name by its beginning; fateKeep if no beginning fits.
func familyOf(name []byte) fate {
	table := &familiesByLetter
	if len(name) > 2 && name[0] == 'x' && name[1] == '-' {
		table, name = &familiesBehindX, name[2:]
	}
	if name[0] > 'z' {
		return fateKeep
	}
	for _, f := range table[name[0]] {
		if len(name) >= len(f.prefix) && string(name[:len(f.prefix)]) == f.prefix {
			return f.fate
		}
	}
	return fateKeep
}

// stemOf returns a folded name without the parts that the most careless readers ignore. CGI puts `HTTP_` in front of
// each name, and the server's own variables have `REDIRECT_` there, so some readers look under both. Unusual characters
// at the ends are trimmed, and so is a number at the end, because apps number headers of the same kind.
func stemOf(folded []byte) []byte {
	for len(folded) > 0 && (folded[0] == '-' || folded[0] == 'h' || folded[0] == 'r') {
		length := len(folded)
		for len(folded) > 0 && folded[0] == '-' {
			folded = folded[1:]
		}
		for _, prefix := range [...]string{"http-", "redirect-"} {
			if len(folded) >= len(prefix) && string(folded[:len(prefix)]) == prefix {
				folded = folded[len(prefix):]
			}
		}
		if len(folded) == length {
			break
		}
	}
	for len(folded) > 0 {
		if last := folded[len(folded)-1]; last != '-' && (last < '0' || last > '9') {
			break
		}
		folded = folded[:len(folded)-1]
	}
	return folded
}

// againstForgery reports whether scripts use the header to show that a request comes from their own page. It is no
// credential, and logins need it.
func againstForgery(folded []byte) bool {
	at := bytes.Index(folded, []byte("srf"))
	return at > 0 && (folded[at-1] == 'c' || folded[at-1] == 'x')
}

// appendFold appends a header's name as the most careless servers read it: in lower case, with `-` for every character
// that is neither letter nor digit. Most servers fold only `-` and `_`; some turn everything else into `_` too.
func appendFold(folded []byte, name string) []byte {
	for i := range len(name) {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		default:
			c = '-'
		}
		folded = append(folded, c)
	}
	return folded
}

// PassHeader names a header that clients may send to the app although the policy would remove it (pass_header): a
// credential, an identity set by something in front of the gateway, or a header of the app's own that strangers send.
type PassHeader struct {
	// Name is the header's name in the only spelling that is let through, except for case.
	Name string
	// Paths are the canonical paths where it is let through; none means everywhere.
	Paths match.Globs
}

// NewPassHeaders makes rules that let the named headers through everywhere.
func NewPassHeaders(names ...string) []PassHeader {
	passed := make([]PassHeader, len(names))
	for i, name := range names {
		passed[i].Name = name
	}
	return passed
}

// Validate returns what is wrong with a rule. A rule without effect is wrong too.
func (p PassHeader) Validate() error {
	if p.Name == "" || !allOf(p.Name, classToken) {
		return fmt.Errorf("%q: want the name of a header", p.Name)
	}
	folded := appendFold(nil, p.Name)
	switch fateOf(folded) {
	case fateDrop, fateMethod, fateHop:
		return fmt.Errorf("%s: it changes what a request is, or what the gateway says of it, and cannot be let through", p.Name)
	case fateOpen, fateSpelled:
		if !strings.EqualFold(p.Name, string(folded)) {
			return fmt.Errorf("%s: another spelling of %s cannot be let through", p.Name, textproto.CanonicalMIMEHeaderKey(string(folded)))
		}
	}
	for _, path := range p.Paths {
		if !strings.HasPrefix(string(path), "/") && path != "*" {
			return fmt.Errorf("%s: path %q: want a path such as /api/*", p.Name, string(path))
		}
		if strings.ContainsAny(string(path), "?#") {
			return fmt.Errorf("%s: path %q: want a path without a query", p.Name, string(path))
		}
	}
	if p.Paths != nil && len(p.Paths) == 0 {
		return errors.New(p.Name + ": 'for' wants a path")
	}
	return nil
}

// passes reports whether the operator lets a header through at a path. The case does not matter, but the spelling does:
// an operator who names X-Api-Key does not mean X_Api_Key.
func (p *HeaderPolicy) passes(name string, path match.Path) bool {
	if p == nil || len(p.Pass) == 0 || textproto.CanonicalMIMEHeaderKey(name) != name {
		return false
	}
	for _, pass := range p.Pass {
		if strings.EqualFold(pass.Name, name) && (len(pass.Paths) == 0 || path.Canonical && pass.Paths.Match(path.Text)) {
			return true
		}
	}
	return false
}
