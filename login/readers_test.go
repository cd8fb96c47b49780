package login

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"
)

// These readers read requests as several servers do. Each was written without looking at how the package reads. They
// are the oracles of the fuzz targets: all of them must read what is accepted alike, and none of them may read a login
// in what passes for none.

// formReader returns all values that it sees under the name.
type formReader func(raw, name string) []string

var formReaders = map[string]formReader{"go": goForm, "php": phpForm, "case-insensitive": anyCaseForm, "semicolons": semicolonForm, "first only": firstForm}

func goForm(raw, name string) []string {
	values, _ := url.ParseQuery(raw)
	return values[name]
}

func firstForm(raw, name string) []string {
	values, _ := url.ParseQuery(raw)
	if values.Has(name) {
		return []string{values.Get(name)}
	}
	return nil
}

func semicolonForm(raw, name string) []string { return goForm(strings.ReplaceAll(raw, ";", "&"), name) }

func anyCaseForm(raw, name string) (found []string) {
	values, _ := url.ParseQuery(raw)
	for key, list := range values {
		if strings.EqualFold(strings.TrimSpace(key), name) {
			found = append(found, list...)
		}
	}
	return found
}

// phpForm reads as PHP fills $_POST: the last one wins.
func phpForm(raw, name string) []string {
	variables := map[string][]string{}
	for _, pair := range strings.Split(raw, "&") {
		key, value, _ := strings.Cut(pair, "=")
		phpRegister(variables, phpDecode(key), phpDecode(value))
	}
	return variables[name]
}

func phpRegister(variables map[string][]string, key, value string) {
	key = strings.TrimLeft(key, " ")
	if end := strings.IndexByte(key, 0); end >= 0 {
		key = key[:end]
	}
	base, isArray := key, false
	if open := strings.IndexByte(key, '['); open > 0 {
		if strings.IndexByte(key[open:], ']') > 0 {
			base, isArray = key[:open], true
		}
	}
	base = strings.NewReplacer(".", "_", " ", "_", "[", "_").Replace(base)
	switch {
	case base == "":
	case isArray && len(variables[base]) > 0:
		variables[base] = append(variables[base], value) // a list, which is no text any more
	case isArray:
		variables[base] = []string{value, "a list"}
	default:
		variables[base] = []string{value}
	}
}

func phpDecode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b.WriteByte(' ')
		case s[i] == '%' && i+2 < len(s) && strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i+1])) && strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i+2])):
			decoded, _ := url.PathUnescape(s[i : i+3])
			b.WriteString(decoded)
			i += 2
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// multipartReader returns all values that it sees under the name.
type multipartReader func(body, contentType, name string) []string

var multipartReaders = map[string]multipartReader{"go": goMultipart, "php": phpMultipart}

func goMultipart(body, contentType, name string) (found []string) {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil
	}
	reader := multipart.NewReader(strings.NewReader(body), parameters["boundary"])
	for {
		part, err := reader.NextPart()
		if err != nil {
			return found
		}
		if content, err := io.ReadAll(part); err == nil && strings.EqualFold(part.FormName(), name) {
			found = append(found, string(content))
		}
	}
}

// phpMultipart reads both kinds of line ends, takes the first boundary that the header mentions, and registers names as
// for a form.
func phpMultipart(body, contentType, name string) []string {
	at := strings.Index(strings.ToLower(contentType), "boundary")
	if at < 0 {
		return nil
	}
	_, boundary, ok := strings.Cut(contentType[at:], "=")
	if !ok {
		return nil
	}
	if strings.HasPrefix(boundary, `"`) {
		boundary, _, _ = strings.Cut(boundary[1:], `"`)
	} else if end := strings.IndexAny(boundary, ",;"); end >= 0 {
		boundary = boundary[:end]
	}
	if boundary == "" {
		return nil
	}
	variables := map[string][]string{}
	sections := strings.Split("\n"+body, "\n--"+boundary)
	for _, section := range sections[1:] {
		if strings.HasPrefix(section, "--") {
			break
		}
		_, section, _ = strings.Cut(section, "\n")
		field, isFile := "", false
		for section != "" {
			var line string
			line, section, _ = strings.Cut(section, "\n")
			line = strings.TrimSuffix(line, "\r")
			if line == "" {
				break
			}
			key, value, _ := strings.Cut(line, ":")
			if !strings.EqualFold(key, "Content-Disposition") {
				continue
			}
			for _, parameter := range strings.Split(value, ";") {
				word, text, _ := strings.Cut(strings.TrimSpace(parameter), "=")
				text = strings.Trim(text, `"`)
				switch strings.ToLower(word) {
				case "name":
					field = text
				case "filename":
					isFile = true
				}
			}
		}
		if field != "" && !isFile {
			phpRegister(variables, field, strings.TrimSuffix(section, "\r"))
		}
	}
	return variables[name]
}

// jsonReader returns all texts that it sees under the member of the top object.
type jsonReader func(body, name string) []string

var jsonReaders = map[string]jsonReader{"go struct": goJSON, "go map": mapJSON, "first member": tokenJSON}

func goJSON(body, _ string) []string {
	var into struct {
		Username *string `json:"username"`
		Op       *string `json:"op"`
	}
	if json.Unmarshal([]byte(body), &into) != nil || into.Username == nil {
		return nil
	}
	return []string{*into.Username}
}

func mapJSON(body, name string) []string {
	var into map[string]any
	if json.Unmarshal([]byte(body), &into) != nil {
		return nil
	}
	if s, ok := into[name].(string); ok {
		return []string{s}
	}
	return nil
}

// tokenJSON reads as far as it can, and returns the values of every member with that name in any case.
func tokenJSON(body, name string) (found []string) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(body)))
	if first, err := decoder.Token(); err != nil || first != json.Delim('{') {
		return nil
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return found
		}
		var value any
		if decoder.Decode(&value) != nil {
			return found
		}
		if s, ok := value.(string); ok && strings.EqualFold(key.(string), name) {
			found = append(found, s)
		}
	}
	return found
}
