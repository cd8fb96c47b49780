package caddymodule

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/login"
)

// The first arguments of words in `login` blocks: where a field, a rule or a token is found.
var (
	conditionKinds = []string{"form", "query", "json"}
	usernameKinds  = []string{"form", "query", "json", "basic", "placeholder", "none"}
	ruleKinds      = []string{"status", "location", "cookie", "header", "json", "body"}
	tokenKinds     = []string{"json", "header", "body"}
)

const ruleForm = "status|location|cookie|header|json|body <argument>..."

// loginWords are the words of a `login` block.
func loginWords() table[Login] {
	lines := func(name, form string, read func([]string, *[][]string) error, field func(*Login) *[][]string) word[Login] {
		made := row(name, form, read, field, nil)
		made.repeats = true
		return made
	}
	return table[Login]{
		row("method", "<method>...", readLoginMethods, func(l *Login) *[]string { return &l.Methods }, nil),
		lines("when", "form|query|json <name> <value>", readWhen, func(l *Login) *[][]string { return &l.When }),
		row("username", "form|query <name> | json <pointer> | basic | placeholder <{...}> | none", readUsername,
			func(l *Login) *[]string { return &l.Username }, nil),
		lines("success", ruleForm, readRules, func(l *Login) *[][]string { return &l.Success }),
		lines("failure", ruleForm, readRules, func(l *Login) *[][]string { return &l.Failure }),
		lines("token", "json <pointer> | header <name> | body", readToken, func(l *Login) *[][]string { return &l.Token }),
		row("fields", "<name>...", texts(checkFields), func(l *Login) *[]string { return &l.Fields }, nil),
		row("only_here", "", alone, func(l *Login) *bool { return &l.OnlyHere }, nil),
		row("continues", "", alone, func(l *Login) *bool { return &l.Continues }, nil),
		row("from", "<origin>...", texts(each(login.ValidateOrigin)), func(l *Login) *[]string { return &l.From }, nil),
	}
}

// readLogin reads one `login` block.
func readLogin(d *caddyfile.Dispenser, h *Handler, site places) error {
	block := Login{Paths: d.RemainingArgs()}
	if len(block.Paths) == 0 {
		return errCount
	}
	for _, path := range block.Paths {
		if !isPath(path) {
			return fmt.Errorf("'%s': want a path such as /login", path)
		}
	}
	said, err := loginWords().read(d, &block)
	if err != nil {
		return err
	}
	if block.Username == nil {
		return errors.New("it needs 'username': where the typed name stands")
	}
	parsed, err := block.parse()
	if err == nil {
		err = checkLogin(parsed)
	}
	if err != nil {
		return said.blame("login", err)
	}
	h.Logins = append(h.Logins, block)
	site.within(fmt.Sprintf("login %d", len(h.Logins)), said)
	return nil
}

// adoptLogins puts the site's own blocks first, because the first block that matches a request applies.
func adoptLogins(site, preset *Handler) { site.Logins = append(site.Logins, preset.Logins...) }

// checkLogin has package login check one block alone. How it fits the others is checked when the whole site is read.
func checkLogin(block login.Block) error {
	set := login.Set{Blocks: []login.Block{block}}
	switch block.Username.Kind {
	case login.Placeholder: // it cannot be combined with an identity
	case login.Basic:
		set.Typed = true // so that nothing else is required of it
	default:
		set.Identities = []login.Identity{askedAnywhere()}
	}
	err := set.Validate()
	if err == nil {
		return nil
	}
	return errors.New(strings.TrimPrefix(err.Error(), "login block 1: "))
}

// checkWord has package login check one word of a block, with valid values for the rest.
func checkWord(block login.Block) error {
	block.Paths = match.NewGlobs("/login")
	block.Username = login.Source{Kind: login.Form, Name: "the name of the user"}
	return checkLogin(block)
}

func readLoginMethods(arguments []string, value *[]string) error {
	if err := some(arguments); err != nil {
		return err
	}
	for _, method := range arguments {
		*value = append(*value, strings.ToUpper(method))
	}
	return checkWord(login.Block{Methods: *value})
}

func readWhen(arguments []string, value *[][]string) error {
	if len(arguments) == 0 {
		return errCount
	}
	if err := oneOf(arguments[0], conditionKinds...); err != nil {
		return err
	}
	if len(arguments) != 3 {
		return errCount
	}
	*value = append(*value, arguments)
	_, err := login.ParseCondition(arguments)
	return err
}

func readUsername(arguments []string, value *[]string) error {
	if len(arguments) == 0 {
		return errCount
	}
	if err := oneOf(arguments[0], usernameKinds...); err != nil {
		return err
	}
	*value = arguments
	source, err := login.ParseSource(arguments)
	if err == nil && source.Kind == login.Placeholder {
		_, err = frontUser(source.Name)
	}
	return err
}

func readToken(arguments []string, value *[][]string) error {
	if len(arguments) == 0 {
		return errCount
	}
	if err := oneOf(arguments[0], tokenKinds...); err != nil {
		return err
	}
	*value = append(*value, arguments)
	_, err := login.ParseToken(arguments)
	return err
}

func readRules(arguments []string, value *[][]string) error {
	if len(arguments) == 0 {
		return errCount
	}
	if err := oneOf(arguments[0], ruleKinds...); err != nil {
		return err
	}
	*value = append(*value, arguments)
	_, err := login.ParseRules(arguments[0], arguments[1:])
	return err
}

func checkFields(fields []string) error { return checkWord(login.Block{Fields: fields}) }
