package caddymodule

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// fills uses the preset's value if the site has none.
func fills[V any](site *V, preset V) {
	if reflect.ValueOf(site).Elem().IsZero() {
		*site = preset
	}
}

// adds puts the preset's list in front of the site's.
func adds[E any](site *[]E, preset []E) { *site = slices.Concat(preset, *site) }

// alone reads a word without arguments.
func alone(arguments []string, value *bool) error {
	if len(arguments) != 0 {
		return errCount
	}
	*value = true
	return nil
}

// text reads one argument. check may be nil.
func text(check func(string) error) func([]string, *string) error {
	return func(arguments []string, value *string) error {
		if len(arguments) != 1 || arguments[0] == "" {
			return errCount
		}
		*value = arguments[0]
		if check == nil {
			return nil
		}
		return check(arguments[0])
	}
}

// texts reads one argument or more. check may be nil.
func texts(check func([]string) error) func([]string, *[]string) error {
	return func(arguments []string, value *[]string) error {
		if err := some(arguments); err != nil {
			return err
		}
		*value = append(*value, arguments...)
		if check == nil {
			return nil
		}
		return check(arguments)
	}
}

// each turns a check of one argument into a check of a list.
func each(check func(string) error) func([]string) error {
	return func(arguments []string) error {
		for _, argument := range arguments {
			if err := check(argument); err != nil {
				return err
			}
		}
		return nil
	}
}

// some refuses a line without arguments, and an empty argument.
func some(arguments []string) error {
	if len(arguments) == 0 {
		return errCount
	}
	if slices.Contains(arguments, "") {
		return errors.New("an argument is empty")
	}
	return nil
}

// atLeast reads a duration such as 90s, 10m, 24h or 14d.
func atLeast(least time.Duration) func([]string, *caddy.Duration) error {
	return func(arguments []string, value *caddy.Duration) error {
		var argument string
		if err := text(nil)(arguments, &argument); err != nil {
			return err
		}
		parsed, err := caddy.ParseDuration(argument)
		if err != nil {
			return fmt.Errorf("'%s' is no duration, such as 90s, 10m, 24h or 14d", argument)
		}
		if parsed < least {
			return fmt.Errorf("'%s' is too short; at least %s", argument, least)
		}
		*value = caddy.Duration(parsed)
		return nil
	}
}

// number reads a number from least to most.
func number(least, most int) func([]string, *int) error {
	return func(arguments []string, value *int) error {
		var argument string
		if err := text(nil)(arguments, &argument); err != nil {
			return err
		}
		parsed, err := strconv.Atoi(argument)
		if err != nil || parsed < least || parsed > most {
			return fmt.Errorf("'%s': want a number from %d to %d", argument, least, most)
		}
		*value = parsed
		return nil
	}
}

// optional reads a value whose zero value differs from an unset one.
func optional[V any](read func([]string, *V) error) func([]string, **V) error {
	return func(arguments []string, value **V) error {
		*value = new(V)
		return read(arguments, *value)
	}
}
