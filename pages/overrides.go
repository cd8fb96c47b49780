package pages

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// maxOverride is how large one file of an operator's may be, and maxPage how large a page may become, in bytes.
const maxOverride, maxPage = 64 << 10, 1 << 20

// overrideStyle is the file whose rules are put behind those of style.css.
const overrideStyle = "style.css"

// overrides are an operator's own files.
type overrides struct {
	// pages are the sources of templates, by file name.
	pages map[string]string
	style string
}

// templateSources are the gateway's own templates, by file name.
func templateSources() (map[string]string, error) {
	entries, err := fs.ReadDir(templateFiles, "templates")
	if err != nil {
		return nil, err
	}
	sources := make(map[string]string, len(entries))
	for _, entry := range entries {
		content, err := fs.ReadFile(templateFiles, "templates/"+entry.Name())
		if err != nil {
			return nil, err
		}
		sources[entry.Name()] = string(content)
	}
	return sources, nil
}

// readOverrides reads a folder. A file with a name that nothing looks for is an error: its author believes that it does
// something. Names that begin with a dot are those of editors, and of mounted volumes.
func readOverrides(folder fs.FS) (own overrides, err error) {
	known, err := templateSources()
	if err != nil {
		return own, err
	}
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return own, err
	}
	own.pages = make(map[string]string)
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") {
			continue
		}
		if _, found := known[name]; !found && name != overrideStyle {
			return own, fmt.Errorf("%s: no file of this name is looked for; there are %s and %s",
				name, strings.Join(slices.Sorted(maps.Keys(known)), ", "), overrideStyle)
		}
		info, err := fs.Stat(folder, name)
		if err != nil {
			return own, err
		}
		if !info.Mode().IsRegular() || info.Size() > maxOverride {
			return own, fmt.Errorf("%s: want a file of at most %d KiB", name, maxOverride>>10)
		}
		content, err := fs.ReadFile(folder, name)
		if err != nil {
			return own, err
		}
		if name == overrideStyle {
			own.style = string(content)
			err = lookAtStyle(own.style)
		} else {
			own.pages[name] = string(content)
			err = lookAtTemplate(own.pages[name])
		}
		if err != nil {
			return own, fmt.Errorf("%s:%w", name, err)
		}
	}
	return own, nil
}

// lookAtStyle refuses what could end the style's element, or ask for anything. Escapes can spell all of that otherwise.
func lookAtStyle(style string) error {
	for i, line := range strings.Split(style, "\n") {
		for _, forbidden := range []string{"<", "url(", "src(", "image(", "image-set(", "@import", "@namespace", "://", `\`} {
			if strings.Contains(strings.ToLower(line), forbidden) {
				return fmt.Errorf("%d: %s is not possible here: a page asks for nothing", i+1, forbidden)
			}
		}
	}
	return nil
}

// action is what {{ }} encloses.
var action = regexp.MustCompile(`(?s)\{\{.*?\}\}`)

// lookAtTemplate finds in a source what a browser would not do because of the pages' policy, and says where it stands.
// What only shows in a page is found by the trial.
func lookAtTemplate(source string) error {
	blank := action.ReplaceAllStringFunc(source, func(found string) string {
		return strings.Map(func(c rune) rune {
			if c == '\n' {
				return c
			}
			return ' '
		}, found)
	})
	tokens := html.NewTokenizer(strings.NewReader(blank))
	for line := 1; ; {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			return nil // the end: the source is in memory
		}
		raw := string(tokens.Raw())
		if kind == html.StartTagToken || kind == html.SelfClosingTagToken {
			if token := tokens.Token(); token.Data == "script" || token.Data == "style" {
				return fmt.Errorf("%d: <%s>: the policy allows the style and the script of {{.Style}} and {{.Script}} only", line, token.Data)
			} else if problem := blocked(token.Data, token.Attr); problem != "" {
				return fmt.Errorf("%d: %s", line, problem)
			}
		}
		line += strings.Count(raw, "\n")
	}
}

// blocked says what of an element the pages' policy would not let a browser do, or would have it ask somebody else for
// something; empty for nothing. A link that a person may press is no such thing.
func blocked(tag string, attributes []html.Attribute) string {
	switch tag {
	case "link":
		if !slices.ContainsFunc(attributes, func(a html.Attribute) bool { return a.Key == "rel" && a.Val == "icon" }) {
			return "<link>: the policy does not allow it"
		}
	case "base", "iframe", "frame", "object", "embed", "applet", "audio", "video", "source", "track", "picture", "portal", "fencedframe":
		return "<" + tag + ">: the policy does not allow it"
	}
	for _, a := range attributes {
		switch {
		case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
			return a.Key + "=: the policy does not allow it; rules belong in " + overrideStyle
		case slices.Contains([]string{"srcset", "srcdoc", "background", "ping", "http-equiv", "data", "poster", "manifest"}, a.Key):
			return a.Key + "=: the policy does not allow it"
		case slices.Contains([]string{"src", "href", "xlink:href", "action", "formaction"}, a.Key):
			// Browsers drop white space and control characters, and take \ for /.
			address := strings.ToLower(strings.Map(func(c rune) rune {
				switch {
				case c <= ' ':
					return -1
				case c == '\\':
					return '/'
				}
				return c
			}, a.Val))
			scheme, _, found := strings.Cut(address, ":")
			if strings.ContainsAny(scheme, "/?#") {
				found = false
			}
			if tag == "a" && a.Key == "href" && slices.Contains([]string{"https", "mailto", "tel", "otpauth"}, scheme) {
				found = false
			}
			if found || strings.HasPrefix(address, "//") {
				return a.Key + "=" + a.Val + ": a page asks nobody else for anything"
			}
		}
	}
	return ""
}

// with is the same library with an operator's templates in the place of its own of the same names.
func (l *library) with(own map[string]string) (*library, error) {
	sources, err := templateSources()
	if err != nil {
		return nil, err
	}
	maps.Copy(sources, own)
	themed := new(library)
	for _, e := range l.editions {
		pages, err := parseTemplates(e.Catalogue, sources)
		if err != nil {
			return nil, err
		}
		themed.editions = append(themed.editions, &edition{Catalogue: e.Catalogue, pages: func() templates { return pages }, standard: e.pages})
	}
	return themed, nil
}

// execute makes a page. Where an operator's template fails, which the trial at start has not brought to light, the page
// is the gateway's own: nobody shall stand before a closed door for that. The error is returned all the same, for the
// log.
func (e *edition) execute(name string, p page) ([]byte, error) {
	content, err := execute(e.pages()[name], p)
	if err == nil {
		return content, nil
	}
	if e.standard != nil {
		// Its own error would be a second one.
		content, _ = execute(e.standard()[name], p)
	}
	return content, fmt.Errorf("render page %s: %w", name, err)
}

var errTooLarge = errors.New("the page is larger than 1 MiB")

// bounded is a buffer that takes no more than a page may be: a template can loop.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxPage {
		return 0, errTooLarge
	}
	return b.Buffer.Write(p)
}

// execute runs one template to its end, or returns an error and nothing, also if it panics.
func execute(t *template.Template, p page) (content []byte, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			content, err = nil, fmt.Errorf("panic: %v", cause)
		}
	}()
	var buffer bounded
	if err := t.Execute(&buffer, p); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}
