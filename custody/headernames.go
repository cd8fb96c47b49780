package custody

import "strings"

// fate is what becomes of a request header.
type fate uint8

const (
	// fateKeep: goes to the app.
	fateKeep fate = iota
	// fateGenuine: goes to the app in the one spelling that HTTP knows, and in no other that CGI, WSGI and their like could
	// take for it.
	fateGenuine
	// fateDrop: never goes to the app.
	fateDrop
	// fateAsk: goes to the app only if the operator has named it in pass_header.
	fateAsk
	// fateMethod: changes the method; goes to the app only where the gateway does not decide by the method.
	fateMethod
	// fateHop: belongs to one connection.
	fateHop
)

// fates are the headers that are known by their whole name, folded.
var fates = gather(map[fate]string{
	fateGenuine: `
		cookie authorization host content-length content-type content-encoding content-disposition content-range
		transfer-encoding trailer expect early-data forwarded via x-real-ip
		x-forwarded-for x-forwarded-host x-forwarded-proto x-forwarded-port x-forwarded-ssl x-forwarded-scheme x-forwarded-by
		x-forwarded-server origin referer range x-requested-with user-agent sec-fetch-site sec-fetch-mode sec-fetch-dest
		sec-fetch-user sec-websocket-key sec-websocket-version sec-websocket-protocol sec-websocket-extensions
		x-csrf-token x-csrftoken x-xsrf-token`,
	// These make a server take the request for one to another place, or for its own gateway's. No operator needs them from
	// a client.
	fateDrop: `
		x-rewrite-url x-waws-unencoded-url x-http-destinationurl x-http-path-override x-sendfile-type
		x-forwarded-uri x-forwarded-url x-forwarded-path x-forwarded-method
		proxy proxy-authorization proxy-authenticate proxy-authentication-info cookie2 request-uri path-info script-name`,
	fateAsk: `
		authorization authentication x-authorization x-authentication x-auth auth auth-token authtoken x-authtoken bearer jwt
		x-jwt x-jwt-assertion x-jwt-token token x-token api-token x-api-token apitoken private-token job-token deploy-token user-token
		x-user-token circle-token x-figma-token x-plex-token x-emby-token x-emby-authorization x-mediabrowser-token x-vault-token
		x-consul-token x-nomad-token x-gitlab-token x-gotify-key x-api api-key x-apikey apikey x-key x-functions-key
		x-jfrog-art-api ocp-apim-subscription-key x-redmine-switch-user x-appwrite-key x-parse-session-token x-directus-token
		x-app-token x-service-token x-admin-token access-token refresh-token id-token session-token master-key admin-key x-bearer-token x-oauth-token oauth-token sudo x-sudo
		x-user x-user-id x-userid x-user-name x-username x-user-email x-useremail x-user-mail x-user-login x-user-role
		x-user-roles x-user-group x-user-groups x-user-info x-user-dn x-user-uid x-email x-mail x-login x-account x-account-id
		x-role x-roles x-group x-groups x-uid x-dn x-identity x-principal x-subject x-sub x-logged-in-user logged-in-user
		x-current-user current-user x-impersonate x-impersonate-user x-admin x-is-admin x-internal-user x-internal-auth
		x-proxy-user proxy-user x-token-user x-token-subject x-client-dn x-client-cn x-client-verify x-client-verified
		auth-user auth-groups user-id userid username user-name user-email user-dn x-arr-clientcert x-anonymous-consumer
		x-shib-user eppn persistent-id x-pwd x-password x-vouch-user x-id-token x-iam-user x-ldap-user x-dex-user x-domain-user`,
	fateMethod: `
		x-http-method-override x-method-override x-http-method x-http-verb http-method-override method-override x-method`,
	fateHop: `connection upgrade te keep-alive proxy-connection http2-settings`,
})

// families are the headers that are known by how the folded name begins.
var families = []family{
	{"x-second-factor", fateDrop},
	{"x-original-", fateDrop},   // IIS, nginx ingress, Symfony, Zend: the request's "real" address
	{"x-envoy-", fateDrop},      // x-envoy-original-path and the like
	{"x-middleware-", fateDrop}, // Next.js: skips its middleware, and with it the app's own gate
	{"x-accel-", fateDrop},      // Rack::Sendfile: maps files on the server
	{"x-forwarded-", fateAsk},   // but for those above: -user, -email, -groups, -access-token, -client-cert, -prefix …
	{"remote-", fateAsk},
	{"x-remote-", fateAsk},
	{"x-auth-", fateAsk},
	{"x-webauth-", fateAsk},
	{"x-authenticated-", fateAsk},
	{"x-authentik-", fateAsk},
	{"x-authelia-", fateAsk},
	{"x-pomerium-", fateAsk},
	{"x-vouch-idp-", fateAsk},
	{"x-goog-authenticated-user-", fateAsk},
	{"x-goog-iap-", fateAsk},
	{"x-serverless-authorization", fateAsk},
	{"cf-access-", fateAsk},
	{"tailscale-", fateAsk},
	{"x-tailscale-", fateAsk},
	{"x-ms-client-principal", fateAsk},
	{"x-ms-token-", fateAsk},
	{"x-amzn-oidc-", fateAsk},
	{"x-amzn-mtls-", fateAsk},
	{"x-ssl-", fateAsk},
	{"ssl-", fateAsk},
	{"client-cert", fateAsk}, // RFC 9440
	{"x-client-cert", fateAsk},
	{"x-client-ssl-", fateAsk},
	{"x-tls-client-", fateAsk},
	{"tls-client-", fateAsk},
	{"x-consumer-", fateAsk},   // Kong
	{"x-credential-", fateAsk}, // Kong
	{"oidc-", fateAsk},         // mod_auth_openidc
	{"x-oidc-", fateAsk},
	{"x-sso-", fateAsk},
	{"x-saml-", fateAsk},
	{"mellon-", fateAsk},
	{"shib-", fateAsk},
	{"x-shib-", fateAsk},
	{"sm-", fateAsk},   // SiteMinder
	{"iv-", fateAsk},   // WebSEAL
	{"oam-", fateAsk},  // Oracle Access Manager
	{"osso-", fateAsk}, // its predecessor
	{"impersonate-", fateAsk},
	{"x-hasura-", fateAsk},
	{"x-kubernetes-", fateAsk},
}

// endings are how API-key headers end, folded.
var endings = []string{
	"-api-key", "-apikey", "-access-token", "-auth-token", "-session-token", "-refresh-token", "-id-token", "-master-key", "-secret",
	"-access-key", "-admin-key", "-jwt",
}

type family struct {
	prefix string
	fate   fate
}

// familiesByFirst are the families by the first letter, so that an ordinary header is compared with few.
var familiesByFirst = func() (table ['z' + 1][]family) {
	for _, f := range families {
		table[f.prefix[0]] = append(table[f.prefix[0]], f)
	}
	return table
}()

func gather(lists map[fate]string) map[string]fate {
	names := make(map[string]fate)
	// In this order, so that a name in two lists has the stricter fate.
	for _, f := range []fate{fateGenuine, fateAsk, fateMethod, fateHop, fateDrop} {
		for name := range strings.FieldsSeq(lists[f]) {
			names[name] = f
		}
	}
	return names
}

// fateOf tells what becomes of the header with a folded name.
func fateOf(folded []byte) fate {
	if known, ok := fates[string(folded)]; ok {
		return known
	}
	if len(folded) == 0 {
		return fateDrop
	}
	if first := folded[0]; int(first) < len(familiesByFirst) {
		for _, f := range familiesByFirst[first] {
			if len(folded) >= len(f.prefix) && string(folded[:len(f.prefix)]) == f.prefix {
				return f.fate
			}
		}
	}
	for _, ending := range endings {
		if len(folded) >= len(ending) && string(folded[len(folded)-len(ending):]) == ending {
			return fateAsk
		}
	}
	return fateKeep
}

// appendFold appends the form that the most careless of servers gives to a header's name: lower case, and each character
// that is neither letter nor digit as `-`. Most fold only `-` and `_`; some turn everything else into `_` too.
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
