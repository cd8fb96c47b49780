package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/pages"
)

// siteWords are the words of `second_factor` in a site. A word that only a site can have has no merge function.
func siteWords() table[Handler] {
	return table[Handler]{
		{name: "preset", form: "<name>", read: readPreset},
		row("app", "<name>", text(checkApp), func(h *Handler) *string { return &h.App }, nil),
		row("issuer", "<name>", text(nil), func(h *Handler) *string { return &h.Issuer }, nil),
		row("base", "<path>", text(checkBase), func(h *Handler) *string { return &h.Base }, nil),
		{name: "login", form: "<path>... {", repeats: true, inner: loginWords().grammar(), read: readLogin, adopt: adoptLogins},
		row("login_page", "<path>", text(checkLoginPage), func(h *Handler) *string { return &h.LoginPage }, fills),
		{name: "logout", form: "<path>... | <path> form|json <name> <value>", repeats: true, read: readLogout, adopt: adoptLogout},
		{
			name: "identity", form: identityForms, repeats: true, inner: identityWords().grammar(),
			read: readIdentity, adopt: adoptIdentity,
		},
		{name: "public", form: "[<method>...] <path>...", repeats: true, read: readPublic, adopt: adoptPublic},
		row("protect", "<path>...", texts(checkProtect), func(h *Handler) *[]string { return &h.Protect }, adds),
		row("shut", "<path>...", texts(checkShut), func(h *Handler) *[]string { return &h.Shut }, adds),
		row("methods", "<method>...", texts(checkMethods), func(h *Handler) *[]string { return &h.Methods }, fills),
		row("hold", "<cookie>...", texts(nil), func(h *Handler) *[]string { return &h.Hold }, adds),
		row("pass", "<cookie>...", texts(nil), func(h *Handler) *[]string { return &h.Pass }, adds),
		row("rotates", "<cookie>...", texts(nil), func(h *Handler) *[]string { return &h.Rotates }, adds),
		{name: "pass_header", form: "<name>... [for <path>...]", repeats: true, read: readPassHeader, adopt: adoptPassHeader},
		row("cors", "<origin>...", texts(each(login.ValidateOrigin)), func(h *Handler) *[]string { return &h.CORS }, adds),
		row("origins", "<origin>...", texts(each(login.ValidateOrigin)), func(h *Handler) *[]string { return &h.Origins }, adds),
		row("token_header", "<name> [<scheme>]", texts(checkTokenHeader), func(h *Handler) *[]string { return &h.TokenHeader }, fills),
		row("refresh", "<path>...", texts(checkRefresh), func(h *Handler) *[]string { return &h.Refresh }, adds),
		row("usernames", "<regexp>", text(checkRegexp), func(h *Handler) *string { return &h.Usernames }, fills),
		row("case_sensitive", "", alone, func(h *Handler) *bool { return &h.CaseSensitive }, fills),
		blockRow("mail", sentWords(), func(h *Handler) **SentCodes { return &h.Mail }, checkSent),
		blockRow("sms", sentWords(), func(h *Handler) **SentCodes { return &h.SMS }, checkSent),
		blockRow("sending", sendingWords(), func(h *Handler) **Sending { return &h.Sending }, checkSending),
		{name: "notify", form: "mail\nwebhook <url> {", repeats: true, inner: webhookWords().grammar(), read: readNotify},
		row("change_password", "<path>", text(checkPasswordPath), func(h *Handler) *string { return &h.ChangePassword }, fills),
		row("recheck", "<duration>", atLeast(1), func(h *Handler) *caddy.Duration { return &h.Recheck }, fills),
		{name: "require", form: "enrolled | everyone [grace <duration>]", read: readRequire},
		row("offer", "", alone, func(h *Handler) *bool { return &h.Offer }, nil),
		row("enrolment", "open | code | network <cidr>...", readEnrolment, func(h *Handler) *Handler { return h }, nil),
		row("fallback", "any|same|none", text(checkFallback), func(h *Handler) *string { return &h.Fallback }, nil),
		row("remember", "<duration> [key]", readRemember, func(h *Handler) *Handler { return h }, nil),
		row("factors", "totp|passkey|mail|sms...", texts(checkFactors), func(h *Handler) *[]string { return &h.Factors }, nil),
		blockRow("passkey", passkeyWords(), func(h *Handler) **Passkey { return &h.Passkey }, nil),
		blockRow("totp", totpWords(), func(h *Handler) **TOTP { return &h.TOTP }, nil),
		blockRow("throttle", throttleWords(), func(h *Handler) **Throttle { return &h.Throttle }, checkThrottle),
		row("reauth", "<duration>", atLeast(0), func(h *Handler) *caddy.Duration { return &h.Reauth }, nil),
		row("pending", "<duration>", atLeast(1), func(h *Handler) *caddy.Duration { return &h.Pending }, nil),
		row("idle", "<duration>", atLeast(1), func(h *Handler) *caddy.Duration { return &h.Idle }, nil),
		row("lifetime", "<duration>", atLeast(1), func(h *Handler) *caddy.Duration { return &h.Lifetime }, nil),
		row("cookie", "<name>", text(gateway.CheckCookie), func(h *Handler) *string { return &h.Cookie }, nil),
		row("settings_link", "[<selector>]", readSettingsLink, func(h *Handler) *Handler { return h }, nil),
		row("guard", "", alone, func(h *Handler) *bool { return &h.Guard }, fills),
		row("renews", "", alone, func(h *Handler) *bool { return &h.Renews }, fills),
		blockRow("brand", brandWords(), func(h *Handler) **Brand { return &h.Brand }, checkBrand),
		row("language", "<tag>", text(checkLanguage), func(h *Handler) *string { return &h.Language }, nil),
	}
}

func checkApp(name string) error {
	if strings.ContainsAny(name, "{}") {
		return fmt.Errorf("'%s': a placeholder is not replaced here; write the name, or a site for each app", name)
	}
	return nil
}

func checkBase(base string) error {
	_, err := gate.NewPolicy(gate.Rules{Base: base})
	return err
}

func checkRegexp(pattern string) error {
	_, err := regexp.Compile(pattern)
	return err
}

// checkTokenHeader has the gateway check the word by itself, as if a login issued tokens.
func checkTokenHeader(arguments []string) error {
	if len(arguments) > 2 {
		return errCount
	}
	tokens := []login.TokenSource{{Kind: login.Body}}
	config := gateway.Config{Logins: login.Set{Blocks: []login.Block{{Tokens: tokens}}}}
	config.TokenHeader, config.TokenScheme = (&Handler{TokenHeader: arguments}).tokenHeader()
	return config.CheckCredentials()
}

// readSettingsLink reads where the link goes in the app's pages: into an element, or to the end of the page.
func readSettingsLink(arguments []string, h *Handler) error {
	if h.SettingsLink = true; len(arguments) == 0 {
		return nil
	}
	if len(arguments) > 1 {
		return fmt.Errorf("it takes one argument, a CSS selector: write \"%s\", in quotes", strings.Join(arguments, " "))
	}
	h.SettingsLinkInto = arguments[0]
	return h.checkSettingsLink()
}

// checkSettingsLink also refuses words such as `on`, because the word is no switch.
func (h *Handler) checkSettingsLink() error {
	switch h.SettingsLinkInto {
	case "on", "off", "yes", "no", "true", "false":
		return fmt.Errorf("'%s': its argument is a CSS selector, such as \"header nav\"; it stands alone for the end of the page", h.SettingsLinkInto)
	}
	return pages.CheckSelector(h.SettingsLinkInto)
}

// brandWords are the words of `brand`.
func brandWords() table[Brand] {
	return table[Brand]{
		row("name", "<text>", text(nil), func(b *Brand) *string { return &b.Name }, nil),
		row("logo", "<file>", text(nil), func(b *Brand) *string { return &b.Logo }, nil),
		row("colour", "<#rgb|#rrggbb>", readColour, func(b *Brand) *string { return &b.Colour }, nil),
		row("help", "<text> [<url>]", readHelp, func(b *Brand) *Brand { return b }, nil),
		row("templates", "<folder>", text(nil), func(b *Brand) *string { return &b.Templates }, nil),
	}
}

func readColour(arguments []string, value *string) error {
	if len(arguments) == 0 {
		return errors.New(`want a colour such as "#0b5cad", in quotes: # begins a comment`)
	}
	return text(func(colour string) error {
		_, err := pages.ParseColour(colour)
		return err
	})(arguments, value)
}

func readHelp(arguments []string, brand *Brand) error {
	if len(arguments) < 1 || len(arguments) > 2 {
		return errCount
	}
	if brand.Help = arguments[0]; len(arguments) == 2 {
		brand.HelpLink = arguments[1]
	}
	return pages.CheckHelp(brand.Help, brand.HelpLink)
}

func checkBrand(b *Brand) error {
	if *b == (Brand{}) {
		return fmt.Errorf("want a block with %s", choice(brandWords().names()))
	}
	return nil
}

// base returns the path of the gateway's own pages.
func (h *Handler) base() string { return cmp.Or(h.Base, "/second-factor") }
