package sms_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sallyport.example/sallyport/sms"
)

const (
	number = "+358401234567"
	text   = "Wiki: your code is 123456.\n\n@wiki.example.com #123456"
)

var hello = sms.Message{To: number, Text: text}

// TestNumbers: what is one number, and what is not.
func TestNumbers(t *testing.T) {
	t.Parallel()
	for number, good := range map[string]bool{
		"+12345": true, "+358401234567": true, "+123456789012345": true,
		"": false, "+": false, "+1234": false, "+1234567890123456": false, "358401234567": false, "00358401234567": false, "++12345": false,
		"+358 40 1234567": false, "+358-401234567": false, "+35840123456x": false, "+35840123\r\n4567": false, "+12345,+67890": false,
		"+12345&to=+67890": false, "+١٢٣٤٥٦": false, "tel:+12345": false, "+12345\x00": false,
	} {
		if err := sms.CheckNumber(number); errors.Is(err, sms.ErrNumber) == good {
			t.Errorf("%q: %v", number, err)
		}
	}
}

// TestP9_MessagesPrintNothing: a message in a log shows neither whom it is to nor what it says.
func TestP9_MessagesPrintNothing(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, value := range []any{hello, &hello} {
			if shown := fmt.Sprintf(verb, value); strings.Contains(shown, "3584") || strings.Contains(shown, "123456") || strings.Contains(shown, "333538") {
				t.Errorf("%s: %s", verb, shown)
			}
		}
	}
}
