package caddymodule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/totp"
)

// totpWords are the words of `totp`.
func totpWords() table[TOTP] {
	return table[TOTP]{
		row("algorithm", "SHA1|SHA256|SHA512", text(checkAlgorithm), func(t *TOTP) *string { return &t.Algorithm }, nil),
		row("digits", "6|7|8", number(6, 8), func(t *TOTP) *int { return &t.Digits }, nil),
		row("period", "<duration>", readPeriod, func(t *TOTP) *caddy.Duration { return &t.Period }, nil),
		row("skew", "<number>", optional(number(0, 10)), func(t *TOTP) **int { return &t.Skew }, nil),
	}
}

func checkAlgorithm(name string) error {
	return oneOf(name, string(totp.SHA1), string(totp.SHA256), string(totp.SHA512))
}

func readPeriod(arguments []string, value *caddy.Duration) error {
	if err := atLeast(1)(arguments, value); err != nil {
		return err
	}
	return reason(totp.Parameters{Period: time.Duration(*value)}.Validate(), "totp: ")
}

// throttleWords are the words of `throttle`.
func throttleWords() table[Throttle] {
	return table[Throttle]{
		row("free", "<number>", number(1, 100), func(t *Throttle) *int { return &t.Free }, nil),
		row("delay", "<duration>", atLeast(1), func(t *Throttle) *caddy.Duration { return &t.Delay }, nil),
		row("max_delay", "<duration>", atLeast(1), func(t *Throttle) *caddy.Duration { return &t.MaxDelay }, nil),
		row("stop", "<number>", number(1, 100), func(t *Throttle) *int { return &t.Stop }, nil),
	}
}

// checkThrottle checks how the limits fit together.
func checkThrottle(t *Throttle) error {
	err := reason(t.limits().Validate(), "throttle: ")
	if longest := t.limits().MaxDelay; err != nil && t.MaxDelay == 0 && duration(t.Delay) > longest {
		return fmt.Errorf("delay: %w, which is %s where it is not said", err, longest)
	}
	return err
}

// reason removes from an error of package factor the part that the Caddyfile's word already says.
func reason(err error, block string) error {
	if err == nil {
		return nil
	}
	text := strings.TrimPrefix(err.Error(), factor.ErrInvalid.Error()+": ")
	return errors.New(strings.TrimPrefix(text, block))
}
