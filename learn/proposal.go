package learn

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// Line is a line of a proposal, with the evidence for it.
type Line struct {
	// Words are the line's words, as they are meant; Write quotes them.
	Words []string
	// Why is the evidence, one sentence each.
	Why []string
	// Inner are the lines of the line's block.
	Inner []Line
}

// Proposal is what was learnt.
type Proposal struct {
	// Lines stand inside `second_factor`, in the order of docs/configuration.md.
	Lines []Line
	// Preset is the name of the preset that the app is known by; empty if there is none.
	Preset string
	// Missing are sentences about what could not be established, each with what to do by hand.
	Missing []string
	// Right is the login with the right password, and Wrong that with a wrong one; nil if none was recorded.
	Right, Wrong *Attempt
	// LoginPage is the exchange in which the login page came; nil if none was recorded.
	LoginPage *Exchange
	// Identity is the path at which the app names the account, with its query; empty if it names it nowhere.
	Identity string
	// Needs are the paths that the login page needs, and Closed those that were opened behind the login and are none of
	// them. Logout is the sign-out; nil if none was recorded.
	Needs, Closed []string
	Logout        *Exchange
	// Names reports whether an answer at Identity names the account.
	Names func(answer *Exchange) bool

	nonces map[string]nonce // of the sign-out
	token  *token           // the bearer token that the app's scripts send; nil: none
}

// Write writes the block. tried are further comments at its end.
func (p *Proposal) Write(to io.Writer, tried []string) error {
	var text strings.Builder
	text.WriteString("second_factor {\n")
	for _, line := range p.Lines {
		if err := line.write(&text, "\t"); err != nil {
			return err
		}
	}
	for _, line := range tried {
		text.WriteString("\t# " + comment(line) + "\n")
	}
	text.WriteString("}\n")
	_, err := io.WriteString(to, text.String())
	return err
}

// Block returns the lines inside the block, without comments.
func (p *Proposal) Block() (string, error) {
	var text strings.Builder
	for _, line := range p.Lines {
		if err := line.plain().write(&text, ""); err != nil {
			return "", err
		}
	}
	return text.String(), nil
}

func (l Line) plain() Line {
	l.Why = nil
	l.Inner = slices.Clone(l.Inner)
	for i := range l.Inner {
		l.Inner[i] = l.Inner[i].plain()
	}
	return l
}

func (l Line) write(to *strings.Builder, indent string) error {
	for _, why := range l.Why {
		to.WriteString(indent + "# " + comment(why) + "\n")
	}
	to.WriteString(indent)
	for i, word := range l.Words {
		quoted, err := quote(word)
		if err != nil {
			return fmt.Errorf("%s: %w", shown(word), err)
		}
		if i > 0 {
			to.WriteString(" ")
		}
		to.WriteString(quoted)
	}
	if len(l.Inner) > 0 {
		to.WriteString(" {\n")
		for _, inner := range l.Inner {
			if err := inner.write(to, indent+"\t"); err != nil {
				return err
			}
		}
		to.WriteString(indent + "}")
	}
	to.WriteString("\n")
	return nil
}

// comment keeps a sentence on its line. Names of the app's in it are written by shown already.
func comment(text string) string {
	return strings.NewReplacer("{", "(", "}", ")").Replace(strings.Map(func(c rune) rune {
		if hidden(c) {
			return '?'
		}
		return c
	}, text))
}

// add adds a line if all of its words can be written, and says so if not.
func (p *Proposal) add(line Line) bool {
	if err := line.write(new(strings.Builder), ""); err != nil {
		p.Note("The word %s was left out: a name of the app's in it cannot be written into a Caddyfile safely. Write the line by hand.", line.Words[0])
		return false
	}
	p.Lines = append(p.Lines, line)
	return true
}

// Note adds a sentence to Missing. It stays on one line, without control characters.
func (p *Proposal) Note(format string, arguments ...any) {
	p.Missing = append(p.Missing, comment(fmt.Sprintf(format, arguments...)))
}

// Mark is something by which an app is known: `path` with a glob for the login's path, `cookie` with a glob for the
// name of one of its cookies, `header` with the name of a header of its answers, or `page` with a text in its login
// page.
type Mark struct{ Kind, Value string }

// Preset is a known app. All of its marks must be there.
type Preset struct {
	Name  string
	Marks []Mark
}

// known returns the preset whose marks are all there; empty if there is none, or if there are several.
func (r *Recording) known(presets []Preset, p *Proposal) (name string) {
	for _, preset := range presets {
		if len(preset.Marks) == 0 || slices.ContainsFunc(preset.Marks, func(mark Mark) bool { return !r.bears(mark, p) }) {
			continue
		}
		if name != "" {
			return ""
		}
		name = preset.Name
	}
	return name
}

// login answers: statuses whose page is shown to whoever typed a wrong password.
var shownFailures = []int{http.StatusOK, http.StatusUnauthorized, http.StatusLocked, http.StatusTooManyRequests}
