package caddymodule

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/passkey"
	"sallyport.example/sallyport/factor/recovery"
	"sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/gateway"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
	"sallyport.example/sallyport/session"
)

// build converts the site's settings to those of package gateway.
func (h *Handler) build(app *App) (gateway.Config, error) {
	if h.App == "" {
		return gateway.Config{}, errors.New("second_factor: app: name the app")
	}
	if len(h.Logins) == 0 {
		return gateway.Config{}, errors.New("second_factor: login: at least one login must be described")
	}
	logins, err := h.logins()
	if err != nil {
		return gateway.Config{}, err
	}
	factors, err := h.factors()
	if err != nil {
		return gateway.Config{}, err
	}
	loginPage, err := h.loginPage()
	if err != nil {
		return gateway.Config{}, fmt.Errorf("second_factor: %w", err)
	}
	tokenHeader, tokenScheme := h.tokenHeader()
	var front func(*http.Request) string
	if placeholder := logins.Placeholder(); placeholder != "" {
		if front, err = frontUser(placeholder); err != nil {
			return gateway.Config{}, at("login", err)
		}
	}
	if err := h.checkPolicy(); err != nil {
		return gateway.Config{}, fmt.Errorf("second_factor: %w", err)
	}
	enrolFrom, err := parseNetworks(h.EnrolmentNetworks)
	if err != nil {
		return gateway.Config{}, at("enrolment", err)
	}
	renderer, err := h.pages()
	if err != nil {
		return gateway.Config{}, err
	}
	if err := cmp.Or(h.checkNotices(), h.checkSender(app)); err != nil {
		return gateway.Config{}, fmt.Errorf("second_factor: %w", err)
	}
	if err := h.checkSenders(app); err != nil {
		return gateway.Config{}, lines.wrap(h, "factors", err)
	}
	if h.SettingsLinkInto != "" {
		if err := h.checkSettingsLink(); err != nil {
			return gateway.Config{}, fmt.Errorf("settings_link: %w", err)
		}
	}
	return gateway.Config{
		App: h.App, Name: h.name(), Base: h.Base, LoginPage: loginPage,
		Public: h.openings(), Protect: match.NewGlobs(h.Protect...), Logout: match.NewGlobs(h.Logout...), Shut: match.NewGlobs(h.Shut...),
		Methods: h.Methods, Origins: h.Origins, CORS: h.CORS, Language: h.Language,
		Logins: logins,
		Hold:   match.NewGlobs(h.Hold...), Pass: match.NewGlobs(h.Pass...), Rotates: match.NewGlobs(h.Rotates...),
		PassHeaders:     h.passHeaders(),
		RequireEveryone: h.Require == "everyone", Grace: duration(h.Grace), Offer: h.Offer, EnrolFrom: enrolFrom,
		Reauth: duration(h.Reauth), Recheck: duration(h.Recheck), Cookie: h.Cookie,
		SettingsLink: h.SettingsLink || h.SettingsLinkInto != "", SettingsLinkInto: h.SettingsLinkInto,
		Guard:  h.Guard,
		Renews: h.Renews,

		ChangePassword: h.ChangePassword, SendCode: h.sendCode(app),
		// Watching costs a write at each sign-in from a new browser, so it is on only if somebody is told.
		WatchPasswords: h.ChangePassword != "" || len(h.Notify) > 0,
		Digits:         h.totp().Digits, Period: h.totp().Period,
		Sessions: app.sessions.Shared().Manager(session.Config{
			App: h.App, Pending: duration(h.Pending), Idle: duration(h.Idle), Lifetime: duration(h.Lifetime),
		}),
		Factors: factor.NewService(app.store(), factors),
		Pages:   renderer,
		Front:   front,
		Refresh: match.NewGlobs(h.Refresh...), TokenHeader: tokenHeader, TokenScheme: tokenScheme,
	}, nil
}

// name returns the app's name as people know it.
func (h *Handler) name() string { return cmp.Or(h.Issuer, h.App) }

// loginPage returns where strangers are redirected. It is empty if every request carries its own login, so that there
// is no login page.
func (h *Handler) loginPage() (string, error) {
	if h.LoginPage != "" {
		return h.LoginPage, nil
	}
	for _, block := range h.Logins {
		if block.standsInEveryRequest() {
			continue
		}
		page := block.Paths[0]
		if strings.Contains(page, "*") {
			return "", fmt.Errorf("login_page: name the login page, for the login's path %q is a pattern", page)
		}
		return page, nil
	}
	return "", nil
}

func (h *Handler) logins() (login.Set, error) {
	set := login.Set{Names: login.Names{CaseSensitive: h.CaseSensitive}, Typed: h.IdentityTyped}
	if err := cmp.Or(h.Mail.check("mail"), h.SMS.check("sms")); err != nil {
		return set, fmt.Errorf("second_factor: %w", err)
	}
	set.Mail, set.Phone = h.Mail.pointer(), h.SMS.pointer()
	for _, field := range h.LogoutFields {
		set.Exits = append(set.Exits, field.exit())
	}
	if h.Usernames != "" {
		pattern, err := regexp.Compile(h.Usernames)
		if err != nil {
			return set, at("usernames", err)
		}
		set.Names.Allowed = pattern
	}
	var elsewhere []login.Block // added last, since each may match what is refused at every other path
	for _, block := range h.Logins {
		parsed, err := block.parse()
		if err != nil {
			return set, at("login", err)
		}
		set.Blocks = append(set.Blocks, parsed)
		if block.OnlyHere {
			elsewhere = append(elsewhere, login.Block{Paths: match.NewGlobs("*"), When: parsed.When, Refuse: true})
		}
	}
	set.Blocks = append(set.Blocks, elsewhere...)
	for _, identity := range h.Identities {
		parsed, err := identity.parse()
		if err != nil {
			return set, at("identity", err)
		}
		set.Identities = append(set.Identities, *parsed)
	}
	if err := set.Validate(); errors.Is(err, login.ErrNoIdentity) || errors.Is(err, login.ErrMailWithoutIdentity) {
		return set, fmt.Errorf("second_factor: %w", err)
	} else if err != nil {
		return set, at("login", err)
	}
	if placeholder := set.Placeholder(); placeholder != "" {
		if _, err := frontUser(placeholder); err != nil {
			return set, at("login", err)
		}
	}
	return set, h.checkCredentials(set)
}

// checkCredentials has the gateway check the words about passwords and tokens in requests while the line is still
// known.
func (h *Handler) checkCredentials(set login.Set) error {
	if len(h.TokenHeader) > 2 {
		return errors.New("second_factor: token_header: want a header, and perhaps a scheme")
	}
	config := gateway.Config{Logins: set, Refresh: match.NewGlobs(h.Refresh...), PassHeaders: h.passHeaders()}
	config.TokenHeader, config.TokenScheme = h.tokenHeader()
	if err := config.CheckCredentials(); err != nil {
		return fmt.Errorf("second_factor: %w", err)
	}
	return nil
}

// tokenHeader returns the header and the scheme of bearer tokens; empty if they are not set.
func (h *Handler) tokenHeader() (header, scheme string) {
	if len(h.TokenHeader) > 0 {
		header = h.TokenHeader[0]
	}
	if len(h.TokenHeader) > 1 {
		scheme = h.TokenHeader[1]
	}
	return header, scheme
}

func (l *Login) parse() (login.Block, error) {
	block := login.Block{Paths: match.NewGlobs(l.Paths...), Methods: l.Methods, Fields: l.Fields, From: l.From, Continues: l.Continues}
	switch {
	case len(l.Paths) == 0:
		return block, errors.New("name at least one path")
	case l.OnlyHere && len(l.When) == 0:
		return block, errors.New("only_here: say with 'when' by what this login is known, for that is refused anywhere else")
	}
	for _, words := range l.When {
		condition, err := login.ParseCondition(words)
		if err != nil {
			return block, err
		}
		block.When = append(block.When, condition)
	}
	var err error
	if block.Username, err = login.ParseSource(l.Username); err != nil {
		return block, err
	}
	if block.Success, err = parseRules("success", l.Success); err != nil {
		return block, err
	}
	if block.Failure, err = parseRules("failure", l.Failure); err != nil {
		return block, err
	}
	for _, words := range l.Token {
		source, err := login.ParseToken(words)
		if err != nil {
			return block, err
		}
		block.Tokens = append(block.Tokens, source)
	}
	return block, nil
}

func parseRules(setting string, lines [][]string) (parsed [][]login.Rule, err error) {
	for _, words := range lines {
		if len(words) == 0 {
			return nil, fmt.Errorf("%s: a line is empty", setting)
		}
		rules, err := login.ParseRules(words[0], words[1:])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", setting, err)
		}
		parsed = append(parsed, rules)
	}
	return parsed, nil
}

func (h *Handler) factors() (factor.Config, error) {
	if err := checkFactors(h.Factors); err != nil {
		return factor.Config{}, at("factors", err)
	}
	passkeys := passkey.New(h.passkeys())
	if err := passkeys.Validate(); err != nil {
		return factor.Config{}, at("passkey", reason(err, ""))
	}
	if err := h.checkSentFactors(); err != nil {
		return factor.Config{}, at("factors", err)
	}
	kinds := []factor.Kind{totp.New(h.Issuer, h.totp()), passkeys}
	config := factor.Config{
		App: h.App, Kinds: append(append(kinds, h.sentKinds()...), recovery.New(0)), Offered: h.offered(),
		Throttle: h.Throttle.limits(), Remember: duration(h.Remember), RememberKey: h.RememberKey, Sending: h.Sending.limits(),
		EnrolmentCode: h.Enrolment == enrolmentCode, Fallback: factor.Fallback(h.Fallback),
	}
	return config, at("totp, throttle, fallback and remember", config.Validate())
}

// totp returns the parameters of new authenticators.
func (h *Handler) totp() totp.Parameters {
	parameters := totp.DefaultParameters()
	if t := h.TOTP; t != nil {
		if t.Algorithm != "" {
			parameters.Algorithm = totp.Algorithm(t.Algorithm)
		}
		if t.Digits != 0 {
			parameters.Digits = t.Digits
		}
		if t.Period != 0 {
			parameters.Period = duration(t.Period)
		}
		if t.Skew != nil {
			parameters.Skew = *t.Skew
		}
	}
	return parameters
}

// limits returns the limits on guessing.
func (t *Throttle) limits() factor.Throttle {
	limits := factor.DefaultThrottle()
	if t == nil {
		return limits
	}
	if t.Free != 0 {
		limits.Free = t.Free
	}
	if t.Delay != 0 {
		limits.Delay = duration(t.Delay)
	}
	if t.MaxDelay != 0 {
		limits.MaxDelay = duration(t.MaxDelay)
	}
	if t.Stop != 0 {
		limits.Stop = t.Stop
	}
	return limits
}

// tell logs at start what this site's settings leave open, so that operators do not learn it from an attacker.
func (h *Handler) tell(logger *slog.Logger) {
	logger.Info("second factor in front of an app", "app", h.App, "base", h.Base, "require", h.Require)
	h.tellPasskeys(logger)
	if len(h.Logins) == 1 && len(h.Logins[0].Username) > 0 && login.Kind(h.Logins[0].Username[0]) == login.Placeholder {
		return // every request says who is signed in, by its placeholder
	}
	if !h.Guard && slices.ContainsFunc(h.Logins, func(l Login) bool { return len(l.Token) > 0 }) {
		logger.Warn("an app that signs in by script and is handed a token gets it from /resume once the factor is passed; without guard "+
			"nothing in its pages does that", "app", h.App, "setting", "guard")
	}
	if h.IdentityTyped {
		logger.Warn("with identity typed the app is never asked who is signed in: other spellings of one account's name are other "+
			"users here, a sign-in by another way than the logins described is known only by a changed cookie that is not named in "+
			"rotates, and a session that the app ends is not ended", "app", h.App, "setting", "identity")
	}
}

// at names the setting in an error of Provision, where lines are not known any more.
func at(setting string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("second_factor: %s: %w", setting, err)
}
