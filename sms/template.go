package sms

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
)

// What stands for the message in a template.
const (
	placeTo   = "{sms.to}"
	placeText = "{sms.text}"
)

// CheckJSON checks a template of JSON: with the placeholders in it it is JSON, so that each of them stands in a string.
func CheckJSON(template string) error {
	if !json.Valid([]byte(template)) {
		return errors.New(`want JSON, with {sms.to} and {sms.text} inside of strings, such as {"to": "{sms.to}", "text": "{sms.text}"}`)
	}
	return checkPlaces(template)
}

// CheckForm checks a template of a form.
func CheckForm(template string) error {
	if strings.ContainsAny(template, " \t\r\n#") {
		return errors.New("want fields such as to={sms.to}&text={sms.text}; a space is written + in them")
	}
	if _, err := url.ParseQuery(fill(template, Message{To: "+100000", Text: "x"}, url.QueryEscape)); err != nil {
		return errors.New("want fields such as to={sms.to}&text={sms.text}; a % begins an escape there")
	}
	return checkPlaces(template)
}

func checkPlaces(template string) error {
	for _, place := range []string{placeTo, placeText} {
		if !strings.Contains(template, place) {
			return errors.New("it lacks " + place)
		}
	}
	return nil
}

// fill puts a message into a template.
func fill(template string, message Message, escape func(string) string) string {
	return strings.NewReplacer(placeTo, escape(message.To), placeText, escape(message.Text)).Replace(template)
}

// InString is a text as it stands in a string of JSON.
func InString(text string) string {
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string can always be encoded
	return strings.Trim(quoted.String(), "\n")[1 : quoted.Len()-2]
}
