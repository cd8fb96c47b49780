package login

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Rule is one word of a `success` or `failure` line.
type Rule struct {
	// Kind is Status, Location, Cookie, Header, JSON or Body.
	Kind Kind
	// Name of the cookie (a glob) or header, or the JSON pointer.
	Name string
	// Value is a status such as 302 or 3xx, a glob for a Location's path (or, where it holds a `?`, for path and
	// query), the glob that a header's or JSON value must fit, or the text that the body must contain.
	Value string
	// AnyValue: the header or JSON value only has to be there. A JSON value is not there when it is null, false, 0 or
	// empty.
	AnyValue bool
}

// ParseRules reads the words of one line after `success` or `failure`: kind is the first of them, words are the others.
// The rules it returns are alternatives.
func ParseRules(kind string, words []string) ([]Rule, error) {
	if len(words) == 0 {
		return nil, fmt.Errorf("%s: a word is missing", kind)
	}
	var rules []Rule
	switch k := Kind(kind); k {
	case Status, Location:
		for _, word := range words {
			rules = append(rules, Rule{Kind: k, Value: word})
		}
	case Cookie, Body:
		if len(words) > 1 {
			return nil, fmt.Errorf("%s takes one word; put text with spaces in quotes", kind)
		}
		rule := Rule{Kind: k, Name: words[0]}
		if k == Body {
			rule = Rule{Kind: k, Value: words[0]}
		}
		rules = append(rules, rule)
	case Header, JSON:
		if len(words) > 2 {
			return nil, fmt.Errorf("%s takes a name and at most one value; put text with spaces in quotes", kind)
		}
		rule := Rule{Kind: k, Name: words[0], AnyValue: len(words) == 1}
		for _, value := range words[1:] {
			rule.Value = value
		}
		rules = append(rules, rule)
	default:
		return nil, fmt.Errorf("%q is none of status, location, cookie, header, json, body", kind)
	}
	for _, rule := range rules {
		if err := rule.validate(); err != nil {
			return nil, err
		}
	}
	return rules, nil
}

func (r Rule) validate() error {
	switch r.Kind {
	case Status:
		_, _, err := statusRange(r.Value)
		return err
	case Location:
		if r.Value == "" || r.Value[0] != '/' && r.Value[0] != '*' {
			return fmt.Errorf("location %q must start with '/' or '*'", r.Value)
		}
		return nil
	case Cookie:
		if r.Name == "" || strings.ContainsAny(r.Name, " \t;=,") {
			return fmt.Errorf("cookie %q is no name of a cookie", r.Name)
		}
		return nil
	case Header:
		if !token(r.Name) {
			return fmt.Errorf("header %q is no name of a header", r.Name)
		}
		return nil
	case JSON:
		_, err := parsePointer(r.Name)
		return err
	case Body:
		if r.Value == "" {
			return errors.New("body: the text is empty")
		}
		return nil
	}
	return fmt.Errorf("%q is none of status, location, cookie, header, json, body", r.Kind)
}

// statusRange reads 302 or 3xx.
func statusRange(value string) (low, high int, err error) {
	if len(value) == 3 && value[0] >= '1' && value[0] <= '5' {
		if strings.EqualFold(value[1:], "xx") {
			low = int(value[0]-'0') * 100
			return low, low + 99, nil
		}
		if n, err := strconv.Atoi(value); err == nil && value[1] != '+' && value[1] != '-' {
			return n, n, nil
		}
	}
	return 0, 0, fmt.Errorf("status %q is neither a status code nor a class such as 3xx", value)
}

// ReadsBody reports whether judging the block's answers needs their bodies.
func (b *Block) ReadsBody() bool {
	for _, lines := range [2][][]Rule{b.Success, b.Failure} {
		for _, line := range lines {
			for _, rule := range line {
				if rule.Kind == JSON || rule.Kind == Body {
					return true
				}
			}
		}
	}
	return false
}
