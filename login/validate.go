package login

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"sallyport.example/sallyport/internal/match"
)

// Validate checks the whole Set and prepares it for use. It does no I/O. It must not run concurrently with other
// methods.
func (s *Set) Validate() error {
	for i := range s.Blocks {
		if err := s.Blocks[i].validate(); err != nil {
			return fmt.Errorf("login block %d: %w", i+1, err)
		}
		if err := s.validateTyped(&s.Blocks[i]); err != nil {
			return fmt.Errorf("login block %d: %w", i+1, err)
		}
	}
	if err := s.validateStanding(); err != nil {
		return err
	}
	if err := s.validateSteps(); err != nil {
		return err
	}
	for i := range s.Exits {
		if err := s.Exits[i].Validate(); err != nil {
			return err
		}
	}
	for i := range s.Identities {
		if err := s.Identities[i].validate(); err != nil {
			return fmt.Errorf("identity: %w", err)
		}
	}
	switch {
	case s.Typed && s.Asks():
		return errors.New("identity: it is either asked at an address, or typed")
	case !s.Typed && !s.Asks() && s.standing(Placeholder) == nil:
		return ErrNoIdentity
	}
	if err := s.validateAddresses(); err != nil {
		return err
	}
	s.compiled = compile(s.Blocks)
	return nil
}

// validateAddresses requires that there is an answer in which an address can stand.
func (s *Set) validateAddresses() error {
	for _, pointer := range []string{s.Mail, s.Phone} {
		if pointer != "" && !s.Asks() {
			return ErrMailWithoutIdentity
		}
		if _, err := parsePointer(pointer); err != nil {
			return err
		}
	}
	return nil
}

// ErrMailWithoutIdentity says that the app is not asked anything that could be answered with an address.
var ErrMailWithoutIdentity = errors.New("mail, sms: address json is read from the answer to 'identity', and this site asks for none")

// ErrNoIdentity says that nothing in the configuration determines who is signed in.
var ErrNoIdentity = errors.New("identity: name the address at which the app says who is signed in; where it says so nowhere, " +
	"'identity typed' has the typed name count (docs/configuration.md says what that leaves open)")

// Asks reports whether the app is asked who is signed in.
func (s *Set) Asks() bool { return len(s.Identities) > 0 }

// validateTyped checks a login whose typed name counts. Then only the answer shows the success, so the rules must name
// something that a client cannot cause by asking in another way: status and location depend on too much.
func (s *Set) validateTyped(b *Block) error {
	if !s.Typed || b.Refuse || b.Username.standing() {
		return nil
	}
	if b.Continues {
		return errors.New("identity typed: nothing of a first step is kept there, so that no login continues")
	}
	if len(b.Fields) == 0 {
		return errors.New("identity typed: name all fields of the login with 'fields'; by another one the app may read another name")
	}
	if slices.ContainsFunc(b.Success, proof) {
		return nil
	}
	return errors.New("identity typed: add a 'success' line that names a cookie, a header, a text of the body or a JSON member; " +
		"a status or a location is no proof of a right password")
}

// validateSteps ensures that no second step carries a name: it could otherwise turn what it continues into a session
// with the names of two accounts.
func (s *Set) validateSteps() error {
	for i := range s.Blocks {
		step := &s.Blocks[i]
		if !step.Continues {
			continue
		}
		for j := range s.Blocks {
			name := s.Blocks[j].Username.Name
			if name == "" {
				continue
			}
			named := slices.ContainsFunc(step.When, func(c Condition) bool { return c.Name == name }) ||
				slices.ContainsFunc(step.Fields, func(word string) bool { field, value, _ := parseField(word); return field == name && value != "" })
			if named {
				return fmt.Errorf("login block %d: continues: a second step brings no name: write %s= in 'fields'", i+1, name)
			}
		}
	}
	return nil
}

// validateRefuse checks a block that only refuses.
func (b *Block) validateRefuse() error {
	switch {
	case len(b.When) == 0:
		return errors.New("a block that refuses has no condition")
	case b.Username != (Source{}) || len(b.Methods)+len(b.Fields)+len(b.From)+len(b.Success)+len(b.Failure)+len(b.Tokens) > 0 || b.Continues:
		return errors.New("a block that refuses has only conditions")
	}
	return nil
}

func (b *Block) validate() error {
	if len(b.Paths) == 0 {
		return errors.New("a path is missing")
	}
	for _, path := range b.Paths {
		if err := validatePath(string(path)); err != nil {
			return err
		}
		if b.Username.standing() {
			continue
		}
		wide := strings.Trim(string(path), "/*") == "" && strings.Contains(string(path), "*")
		if wide && len(b.When) == 0 {
			return fmt.Errorf("path %q takes every request: narrow it with 'when'", path)
		}
	}
	for _, method := range b.Methods {
		if !match.IsToken(method) || method != strings.ToUpper(method) {
			return fmt.Errorf("method %q is not a method in capitals", method)
		}
	}
	for _, condition := range b.When {
		if err := condition.validate(); err != nil {
			return err
		}
		if contradict(condition.Kind, b.Username.Kind) {
			return fmt.Errorf("'when %s' and 'username %s' cannot stand in one body", condition.Kind, b.Username.Kind)
		}
	}
	if b.Refuse {
		return b.validateRefuse()
	}
	if err := b.Username.validate(); err != nil {
		return err
	}
	for _, source := range b.Tokens {
		if err := source.validate(); err != nil {
			return err
		}
	}
	if err := b.validateFields(); err != nil {
		return err
	}
	if b.Continues && (b.Username.Kind != None || len(b.When) == 0 || len(b.Fields) == 0) {
		return errors.New("continues: a second step has 'username none', is known by a 'when', and names all that it may carry in 'fields'")
	}
	for _, origin := range b.From {
		if err := ValidateOrigin(origin); err != nil {
			return fmt.Errorf("from: %w", err)
		}
	}
	for _, line := range slices.Concat(b.Success, b.Failure) {
		if len(line) == 0 {
			return errors.New("an empty line of rules")
		}
		for _, rule := range line {
			if err := rule.validate(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *Block) validateFields() error {
	for _, word := range b.Fields {
		name, _, valued := parseField(word)
		if err := validateField("fields", name); err != nil {
			return err
		}
		kind := b.fieldKind(name)
		if kind == JSON {
			if _, err := parsePointer(name); err != nil {
				return fmt.Errorf("fields: %w", err)
			}
		}
		if !valued {
			continue
		}
		if b.Username.Name == name && (b.Username.Kind == JSON) == (kind == JSON) {
			return fmt.Errorf("fields: %q is the user's name: 'usernames' says what it may be", name)
		}
		for _, condition := range b.When {
			if condition.Name == name && (condition.Kind == JSON) == (kind == JSON) {
				return fmt.Errorf("fields: what %q may be is said by 'when' already", name)
			}
		}
	}
	return nil
}

// contradict reports whether one kind is a form and the other JSON: one body cannot be both.
func contradict(a, b Kind) bool { return a == Form && b == JSON || a == JSON && b == Form }

func validatePath(path string) error {
	switch {
	case path == "":
		return errors.New("an empty path")
	case path[0] != '/' && path[0] != '*':
		return fmt.Errorf("path %q must start with '/' or '*'", path)
	case strings.ContainsAny(path, "?#"):
		return fmt.Errorf("path %q holds a query or fragment: use 'when query <name> <value>'", path)
	}
	filled := strings.ReplaceAll(path, "*", "x")
	if filled[0] != '/' {
		filled = "/" + filled
	}
	if !match.ParsePath(&url.URL{Path: filled}).Canonical {
		return fmt.Errorf("path %q can never be the canonical path of a request", path)
	}
	return nil
}

func (c Condition) validate() error {
	switch c.Kind {
	case Form, Query:
		return validateField("when "+string(c.Kind), c.Name)
	case JSON:
		if c.Name == "" {
			return errors.New("when json: the pointer is missing")
		}
		_, err := parsePointer(c.Name)
		return err
	}
	return fmt.Errorf("when: %q is none of form, query, json", c.Kind)
}

func (s Source) validate() error {
	switch s.Kind {
	case Form, Query:
		return validateField("username "+string(s.Kind), s.Name)
	case JSON:
		if s.Name == "" {
			return errors.New("username json: the pointer is missing")
		}
		_, err := parsePointer(s.Name)
		return err
	case None:
		if s.Name != "" {
			return errors.New("username none takes nothing more")
		}
		return nil
	case Basic:
		if s.Name != "" {
			return errors.New("username basic takes nothing more")
		}
		return nil
	case Placeholder:
		return validatePlaceholder(s.Name)
	}
	return fmt.Errorf("username: %q is none of form, json, query, basic, placeholder, none", s.Kind)
}

// validatePlaceholder accepts one placeholder and nothing around it. Text around it would itself be an identity if the
// placeholder is empty.
func validatePlaceholder(name string) error {
	inner, open := strings.CutPrefix(name, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if !open || !closed || inner == "" || strings.ContainsFunc(inner, controls) || strings.ContainsAny(inner, "{} ") {
		return fmt.Errorf("username placeholder: %q is not one placeholder such as {http.auth.user.id}", name)
	}
	return nil
}

// ValidateOrigin checks an origin as browsers write it (RFC 6454 §6.2): scheme and host, and a port if needed.
func ValidateOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Scheme+"://"+u.Host != origin || origin != strings.ToLower(origin) {
		return fmt.Errorf("%q is no origin such as https://portal.example.com", origin)
	}
	return nil
}

func validateField(what, name string) error {
	if strings.TrimSpace(name) == "" || strings.ContainsFunc(name, controls) {
		return fmt.Errorf("%s: %q is no name of a field", what, name)
	}
	return nil
}

// ParseSource reads the words after `username`.
func ParseSource(words []string) (Source, error) {
	if len(words) == 0 {
		return Source{}, errors.New("username: form, json, query, basic, placeholder or none is missing")
	}
	source := Source{Kind: Kind(words[0])}
	want := 2
	if source.Kind == None || source.Kind == Basic {
		want = 1
	}
	if len(words) > want {
		return Source{}, fmt.Errorf("username %s: too many words", source.Kind)
	}
	if len(words) == 2 {
		source.Name = words[1]
	}
	return source, source.validate()
}

// ParseCondition reads the words after `when`.
func ParseCondition(words []string) (Condition, error) {
	if len(words) != 3 {
		return Condition{}, errors.New("when takes form, query or json, a name and a value")
	}
	condition := Condition{Kind: Kind(words[0]), Name: words[1], Value: words[2]}
	return condition, condition.validate()
}
