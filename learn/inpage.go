package learn

import (
	"bytes"
	"regexp"
	"strings"

	"golang.org/x/net/html"
)

// piece is a tag or a text of a page, as it is written.
type piece struct {
	kind html.TokenType
	raw  string
	tag  string
}

// pieces splits a page.
func pieces(content []byte) (all []piece) {
	tokens := html.NewTokenizer(bytes.NewReader(content))
	for {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			return all
		}
		raw := string(tokens.Raw())
		name, _ := tokens.TagName()
		all = append(all, piece{kind, raw, string(name)})
	}
}

// furthest is how many pieces in front of the name a pattern may begin.
const furthest = 8

// pattern is a regular expression with one group that finds the account's name in a page.
type pattern struct {
	text string
	// json: the group takes what stands in a JSON string.
	json bool
	// worth ranks patterns; higher is better.
	worth int
}

// inPage returns the patterns that find the name in a page, best first. Each was tried on this very page: its first
// match is the name.
func (r *Recording) inPage(e *Exchange, name string) (found []pattern) {
	all := pieces(e.Content)
	text := string(e.Content)
	add := func(made pattern, ok bool) {
		if !ok || r.Secret(made.text) {
			return
		}
		compiled, err := regexp.Compile(made.text)
		if err != nil || compiled.NumSubexp() != 1 {
			return
		}
		if first := compiled.FindStringSubmatch(text); first != nil && sameName(html.UnescapeString(first[1]), name) {
			found = append(found, made)
		}
	}
	for i, part := range all {
		switch part.kind {
		case html.StartTagToken, html.SelfClosingTagToken:
			add(inAttribute(part, name))
		case html.TextToken:
			if i > 0 && all[i-1].tag == "script" && all[i-1].kind == html.StartTagToken {
				add(inScript(part.raw, name))
				continue
			}
			for back := 1; back <= furthest && back <= i; back++ {
				before := len(found)
				add(inText(all[i-back:i], part.raw, name))
				if len(found) > before {
					break
				}
			}
		}
	}
	return found
}

// steady are the attributes that are the same for every account and at every time, as far as one can say.
var steady = regexp.MustCompile(`(?i)\b(id|class|name|type|role|itemprop|data-testid)=("[^"<>]*"|'[^'<>]*'|[^\s"'<>]+)`)

// tagPattern is the pattern of a tag: its name and those attributes.
func tagPattern(raw, tag string) (text string, known bool) {
	text = "<" + regexp.QuoteMeta(tag)
	for _, attribute := range steady.FindAllString(raw, -1) {
		if !chance(attribute) {
			text += `[^>]*\b` + regexp.QuoteMeta(attribute)
			known = true
		}
	}
	if strings.TrimSpace(raw[1:len(raw)-1]) == tag {
		return text + ">", known
	}
	return text + "[^>]*>", known
}

// void are the elements that have no end.
var void = map[string]bool{"br": true, "hr": true, "img": true, "input": true, "wbr": true, "meta": true, "link": true}

var about = regexp.MustCompile(`(?i)user|account|login|whoami|profile|logged|signed|person|member|identity`)

var atHost = regexp.MustCompile(`@[^@\s]+$`)

// inText makes the pattern of a text that is the name, or ends with it, behind some pieces.
func inText(before []piece, raw, name string) (made pattern, ok bool) {
	plain := html.UnescapeString(raw)
	trimmed := strings.TrimSpace(plain)
	lead, fits := "", sameName(trimmed, name)
	ending := `([^<\s][^<]*?)\s*<`
	if host := atHost.FindString(trimmed); !fits && host != "" { // alice@localhost, as databases call their users
		trimmed, ending = strings.TrimSuffix(trimmed, host), `([^<\s][^<]*)@[^<@]+<`
		fits = sameName(trimmed, name)
	}
	if !fits {
		// "Signed in as alice": words of the app's in front of the name.
		cut := len(trimmed) - len(name)
		if cut <= 0 || !strings.EqualFold(trimmed[cut:], name) || !strings.HasSuffix(trimmed[:cut], " ") || cut > 40 {
			return pattern{}, false
		}
		lead = strings.TrimSpace(trimmed[:cut])
	}
	worth, known, depth := 0, false, 0
	for i, part := range before {
		switch part.kind {
		case html.TextToken:
			made.text += "[^<]*"
		case html.EndTagToken:
			if depth--; depth <= 0 {
				return pattern{}, false // the name stands behind that element, perhaps as the next of a list
			}
			made.text += regexp.QuoteMeta(strings.TrimSpace(part.raw))
		case html.StartTagToken, html.SelfClosingTagToken:
			if part.kind == html.StartTagToken && !void[part.tag] {
				depth++
			}
			text, identified := tagPattern(part.raw, part.tag)
			made.text += text
			known = known || identified
			if i == 0 && !identified {
				return pattern{}, false // a bare <b> may stand anywhere
			}
		default:
			return pattern{}, false
		}
	}
	if before[0].kind != html.StartTagToken || !known {
		return pattern{}, false
	}
	if about.MatchString(made.text) {
		worth += 10
	}
	made.text += `\s*`
	if lead != "" {
		made.text += regexp.QuoteMeta(lead) + `\s+`
		worth -= 10
	}
	made.text += ending
	made.worth = worth + 40 - len(before)
	return made, true
}

var attributeOf = regexp.MustCompile(`(?i)\b(value|content|data-[a-z-]*|title)="([^"]*)"`)

// inAttribute makes the pattern of a tag that has the name as the value of an attribute.
func inAttribute(part piece, name string) (made pattern, ok bool) {
	for _, at := range attributeOf.FindAllStringSubmatchIndex(part.raw, -1) {
		if !sameName(html.UnescapeString(part.raw[at[4]:at[5]]), name) {
			continue
		}
		front, known := tagPattern(part.raw[:at[0]]+">", part.tag)
		if !known {
			continue
		}
		made.text = strings.TrimSuffix(strings.TrimSuffix(front, "[^>]*>"), ">") + `[^>]*\b` + regexp.QuoteMeta(part.raw[at[2]:at[3]]) + `="([^"]+)"`
		made.worth = 20
		if about.MatchString(made.text) {
			made.worth += 10
		}
		if behind := strings.ToLower(part.raw); strings.Contains(behind, "disabled") || strings.Contains(behind, "readonly") {
			made.worth += 30 // nobody types another name there
		}
		return made, true
	}
	return pattern{}, false
}

var member = regexp.MustCompile(`"([A-Za-z0-9_.-]{1,40})"\s*:\s*"((?:[^"\\]|\\.)*)"`)

// inScript makes the pattern of a member of JSON in a script that has the name.
func inScript(raw, name string) (made pattern, ok bool) {
	for _, at := range member.FindAllStringSubmatch(raw, -1) {
		if sameName(at[2], name) {
			made = pattern{text: `"` + regexp.QuoteMeta(at[1]) + `"\s*:\s*"((?:[^"\\]|\\.)+)"`, json: true, worth: 25}
			if about.MatchString(at[1]) {
				made.worth += 15
			}
			return made, true
		}
	}
	return pattern{}, false
}
