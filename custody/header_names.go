package custody

import "strings"

// fate is what Clean does with a request header.
type fate uint8

const (
	// fateKeep: the header is unknown. It goes to the app from a verified session, and otherwise only if the operator
	// has named it in pass_header.
	fateKeep fate = iota
	// fateOpen: one of the documented headers that go to the app from everybody. It goes in HTTP's own spelling only,
	// and in no other that CGI, WSGI and similar interfaces could read as that.
	fateOpen
	// fateSpelled: like fateKeep, but in one spelling only.
	fateSpelled
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
	// docs/configuration.md lists these, and the families below that are open.
	fateOpen: `
		content-type content-length content-encoding content-language content-disposition content-range
		accept accept-charset accept-datetime accept-encoding accept-language
		if-match if-none-match if-modified-since if-unmodified-since if-range range
		sec-fetch-site sec-fetch-mode sec-fetch-dest sec-fetch-user sec-gpc sec-purpose
		sec-websocket-key sec-websocket-version sec-websocket-protocol sec-websocket-extensions
		user-agent referer origin cache-control pragma dnt priority upgrade-insecure-requests save-data date x-requested-with
		access-control-request-method access-control-request-headers last-event-id service-worker
		traceparent tracestate x-forwarded-for x-forwarded-host x-forwarded-proto via
		cookie host transfer-encoding trailer expect early-data`,
	// Their names end like credentials, but they are not credentials: tokens against cross-site requests whose names do
	// not contain csrf, locks, and keys that make a repeated request count once.
	fateSpelled: `
		requesttoken x-requesttoken requestverificationtoken x-requestverificationtoken request-verification-token
		x-request-verification-token anti-forgery-token x-anti-forgery-token antiforgerytoken x-antiforgerytoken x-antiforgery-token
		x-atlassian-token x-syno-token x-transmission-session-id lock-token idempotency-key x-idempotency-key`,
	// These make a server treat the request as one to another address, or as one of its own gateway. No operator needs
	// them from a client: where the app is mounted is known before any request, and can be set behind the gateway
	// (header_up).
	fateDrop: `
		x-waws-unencoded-url x-http-destinationurl x-http-path-override x-http-host-override x-sendfile-type
		x-forwarded-uri x-forwarded-url x-forwarded-path x-forwarded-method x-forwarded-prefix x-forwarded-context x-forwarded-basepath
		script-name script-url path-info request-uri document-uri document-root path-translated
		x-script-name x-scriptname x-script-url x-path-info x-request-uri x-document-root x-servlet-path
		x-ingress-path x-base-path x-basepath x-base-url x-base-uri x-base-href x-mount x-mount-path x-mountpath x-mount-point
		x-root-path x-rootpath x-root-url x-root-uri x-app-path x-app-root x-application-path x-context-path x-contextpath
		x-proxy-path x-proxypath x-proxy-prefix x-proxy-context-path x-proxycontextpath x-path-prefix x-pathprefix x-url-prefix x-prefix
		x-relative-url-root x-rstudio-root-path x-replaced-path x-matched-path x-now-route-matches
		proxy proxy-authorization proxy-authenticate proxy-authentication-info cookie2`,
	fateAsk: `
		x-api sudo x-sudo x-jfrog-art-api signature signature-input
		x-user-info x-mail x-login x-account x-account-id x-role x-roles x-group x-groups x-uid x-identity x-principal x-subject x-sub
		uid mail cn sn givenname displayname affiliation unscoped-affiliation entitlement eduperson-principal-name
		x-kerberos-principal kerberos-principal x-principal-name principal-name x-gssapi-name gssapi-name x-cert-subject cert-subject
		x-login-as login-as x-logged-in-as logged-in-as x-become become x-act-as act-as x-run-as run-as x-on-behalf-of on-behalf-of
		x-switch-user switch-user x-claims claims sessid x-sessid phpsessid x-phpsessid jsessionid x-jsessionid
		x-impersonate x-admin x-is-admin client-verify x-client-verify x-client-verified auth-groups gap-auth
		x-arr-clientcert x-anonymous-consumer eppn persistent-id
		x-host x-real-host x-scheme x-url-scheme x-https https front-end-https cf-visitor coming-from x-coming-from`,
	fateMethod: `method x-method verb x-verb x-http-method x-http-verb`,
	fateHop:    `connection upgrade te keep-alive proxy-connection http2-settings`,
})

// families are the headers that are known by the beginning of the folded name.
var families = []family{
	{"x-second-factor", fateDrop},
	{"x-original-", fateDrop},   // IIS, nginx ingress, Symfony, Zend: the request's "real" address
	{"x-rewrite-", fateDrop},    // the same
	{"x-envoy-", fateDrop},      // x-envoy-original-path and the like
	{"x-middleware-", fateDrop}, // Next.js: skips its middleware, and with it the app's own gate
	{"x-invoke-", fateDrop},     // Next.js: serves another page
	{"x-accel-", fateDrop},      // Rack::Sendfile: maps files on the server
	{"x-forwarded-", fateAsk},   // except for those above: -user, -email, -groups, -access-token, -ssl, -port …
	{"remote-", fateAsk},
	{"x-remote-", fateAsk},
	{"auth-", fateAsk},
	{"x-auth-", fateAsk},
	{"authorization-", fateAsk},
	{"x-authorization-", fateAsk},
	{"cookie-", fateAsk},
	{"x-cookie-", fateAsk},
	{"token-", fateAsk},
	{"x-token-", fateAsk},
	{"jwt-", fateAsk},
	{"x-jwt-", fateAsk},
	{"api-key-", fateAsk},
	{"x-api-key-", fateAsk},
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
	{"x-impersonate-", fateAsk},
	{"x-hasura-", fateAsk},
	{"x-kubernetes-", fateAsk},
}

// openFamilies are the headers, by the beginning of their names, that everybody may send: browsers set them, and
// scripts cannot.
var openFamilies = []string{"sec-fetch-", "sec-ch-"}

type family struct {
	prefix string
	fate   fate
}

// familiesByLetter are the families by the first letter, familiesBehindX by the first one after `x-`, so that an
// ordinary header is compared with few.
var familiesByLetter, familiesBehindX = func() (first, behind ['z' + 1][]family) {
	for _, f := range families {
		if rest, found := strings.CutPrefix(f.prefix, "x-"); found {
			behind[rest[0]] = append(behind[rest[0]], family{rest, f.fate})
		} else {
			first[f.prefix[0]] = append(first[f.prefix[0]], f)
		}
	}
	return first, behind
}()

func gather(lists map[fate]string) map[string]fate {
	names := make(map[string]fate)
	// In this order, so that a name in two lists gets the stricter fate.
	for _, f := range []fate{fateOpen, fateSpelled, fateAsk, fateMethod, fateHop, fateDrop} {
		for name := range strings.FieldsSeq(lists[f]) {
			names[name] = f
		}
	}
	return names
}
