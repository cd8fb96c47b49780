package login

import (
	"net/http"
	"strings"
	"unicode"

	"sallyport.example/sallyport/internal/match"
)

// Reading is what a request has to do with logins. The zero value: it is neither a login nor the page of one.
type Reading struct {
	// Attempt is the login; nil if the request is none.
	Attempt *Attempt
	// Entry: it requests the page of a login, which strangers may see. It is GET or HEAD in the canonical spelling,
	// without a body or an upgrade, and its query has no field of any login, because some apps sign in by a query.
	Entry bool
	// Block is the number of the block that decided, counted from 1: the block of the login or page, or the one because
	// of which the request is refused or must be examined; 0 if there is none.
	Block int
}

// Recognise decides what r is; path is r's path.
//
//   - a Reading and no error: see there.
//   - a *RefusedError: it is a login to some server, or is at a login's address and is neither the login nor its page.
//     It must not reach the app, in whatever state the session is.
//   - an *UnexaminedError: whether it is a login could not be determined.
//
// A login's address is its path, with the query that its conditions require. A login that is known by its body has no
// address of its own: at its path, such a body is refused with every method except the login's.
//
// It reads only if the path matches a block, and of the body at most BodyLimit, or ExamineLimit if a block is known by
// the body. r.Body afterwards yields the bytes that the client sent, and length and transfer encoding are unchanged.
func (s *Set) Recognise(r *http.Request, path match.Path) (Reading, error) {
	return s.RecogniseWithin(r, path, nil)
}

// RecogniseWithin is like Recognise and calls admit, unless that is nil, before it keeps a large body in memory. If
// there is no room, the request is refused with 429, or not examined.
func (s *Set) RecogniseWithin(r *http.Request, path match.Path, admit Admit) (Reading, error) {
	plan := s.plan()
	rt := route{path: path}
	first := 0
	for first < len(plan) && rt.of(&s.Blocks[first], &plan[first]) == other {
		first++
	}
	if first == len(plan) {
		return Reading{}, nil
	}
	if len(r.URL.RawQuery) > BodyLimit {
		return Reading{}, &RefusedError{Status: http.StatusRequestEntityTooLarge, Reason: reasonLarge, Log: "query over 64 KiB"}
	}
	look := &examination{request: r, admit: admit}
	found := findings{plain: Plain(r)}
	for i := first; i < len(plan); i++ {
		b, c := &s.Blocks[i], &plan[i]
		spelled := rt.of(b, c)
		if spelled == other {
			continue
		}
		holds, flaw := look.conditions(b, c)
		method := methodSpelling(c.methods, r.Method)
		switch {
		case holds == no:
		case b.Refuse && holds == unknown:
			found.unexamined.note(i, flaw)
		case b.Refuse && flaw != nil:
			return by(i), flaw
		case b.Refuse:
			return by(i), refuse(reasonForm, "the fields of a login where none is taken")
		case method == other && found.plain && !c.examines && !s.named(look):
			// This is the page of the login, or of another spelling of it, which has no special rights.
			if holds == yes && spelled == exact && !found.page.Entry {
				found.page = by(i)
				found.page.Entry = true
			}
		case holds == unknown:
			found.unexamined.note(i, flaw)
		case holds == doubtful:
			return by(i), flaw
		case method == other && found.plain:
			found.refused.note(i, refuse(reasonForm, "a field of a login in a query"))
		case method == other:
			found.refused.note(i, refuseMethod())
		case min(method, spelled) == loose:
			// Another block may name exactly this spelling.
			found.inexact.note(i, refuse(reasonSpelling, "path or method is not spelled as configured"))
		default:
			name, flaw, otherKind := look.username(b, c, s.Names)
			if flaw == nil {
				return Reading{Attempt: &Attempt{Block: b, Name: name}, Block: i + 1}, nil
			}
			if !otherKind {
				return by(i), flaw
			}
			// A later block may read this kind of body.
			found.misfit.note(i, flaw)
		}
	}
	return found.reading()
}

// findings are what the blocks found in a request that none of them took.
type findings struct {
	plain                                bool
	page                                 Reading // the zero value if it is no login's page
	misfit, inexact, refused, unexamined defect
}

// defect is the first one of its kind, and the block that found it.
type defect struct {
	flaw  *RefusedError
	block int
}

func (d *defect) note(block int, flaw *RefusedError) {
	if d.flaw == nil {
		d.flaw, d.block = flaw, block
	}
}

// by returns a reading that says only which block decided.
func by(block int) Reading { return Reading{Block: block + 1} }

func (f *findings) reading() (Reading, error) {
	for _, found := range [...]defect{f.misfit, f.inexact, f.refused} {
		if found.flaw != nil {
			return by(found.block), found.flaw
		}
	}
	if f.unexamined.flaw != nil {
		return by(f.unexamined.block), f.unexamined.flaw.unexamined()
	}
	return f.page, nil
}

// verdict says for which servers conditions hold. The lowest of several counts.
type verdict byte

const (
	// no: for no server.
	no verdict = iota
	// unknown: the body could not be read to its end.
	unknown
	// doubtful: for some servers.
	doubtful
	// yes: for all.
	yes
)

func (x *examination) conditions(b *Block, c *compiled) (verdict, *RefusedError) {
	if len(b.When) > 0 && x.request.URL.RawQuery == "" && !match.HasBody(x.request) {
		return no, nil // the case of most requests, so it should cost nothing
	}
	result, why := yes, (*RefusedError)(nil)
	// Queries first: they cost least, and a no saves reading the body.
	for _, queries := range [2]bool{true, false} {
		for i, condition := range b.When {
			if (condition.Kind == Query) != queries {
				continue
			}
			holds, flaw := x.condition(condition, c.when[i])
			if holds < result {
				result, why = holds, flaw
			}
			if result == no {
				return no, nil
			}
		}
	}
	return result, why
}

func (x *examination) condition(condition Condition, t target) (verdict, *RefusedError) {
	_, queryFlaw := x.readQuery()
	inQuery := x.queryHits(t)
	if condition.Kind == Query {
		if !anyLoose(inQuery, condition.Value) {
			return no, nil
		}
		if queryFlaw != "" {
			return doubtful, refuse(reasonForm, "query with "+queryFlaw)
		}
		if len(inQuery) != 1 || !certain(inQuery[0], condition.Value) {
			return doubtful, refuse(reasonForm, "field of 'when query' is ambiguous")
		}
		return yes, nil
	}
	inBody := x.bodyHits(t)
	found, foundInQuery := anyLoose(inBody, condition.Value), anyLoose(inQuery, condition.Value)
	found = found || x.broken != "" && mentions(x.broken, t)
	switch {
	case x.flaw != nil && (found || foundInQuery):
		return doubtful, x.flaw
	case x.formed && x.unended:
		// The app reads fields beyond the limit too, and no login form needs to be so long.
		return doubtful, longForm()
	case x.flaw != nil:
		return unknown, x.flaw
	case !found && foundInQuery:
		return doubtful, refuse(reasonForm, "field of 'when' stands in the query")
	case x.shape == otherBody:
		return unknown, refuse(reasonForm, "body of another content type")
	case !found:
		return no, nil
	case (x.shape == formBody) != (condition.Kind == Form):
		return doubtful, refuse(reasonForm, "field of 'when' stands in a body of another kind")
	case len(inBody) != 1 || !certain(inBody[0], condition.Value):
		return doubtful, refuse(reasonForm, "field of 'when' is ambiguous")
	}
	for _, h := range inQuery {
		if !certain(hit{value: h.value, exact: true, plain: true}, condition.Value) {
			return doubtful, refuse(reasonForm, "field of 'when' has another value in the query")
		}
	}
	return yes, nil
}

// mentions reports whether a text has the last name of a target in double or single quotes.
func mentions(text string, t target) bool {
	if len(t.tokens) == 0 {
		return false
	}
	name := strings.ToLower(t.tokens[len(t.tokens)-1])
	for _, quote := range []string{`"`, "'"} {
		if strings.Contains(strings.ToLower(text), quote+name+quote) {
			return true
		}
	}
	return false
}

// certain reports whether every server finds the value under the name.
func certain(h hit, value string) bool { return h.exact && match.Glob(value).Match(h.value) }

// anyLoose reports whether some server could find the value. It ignores case, what surrounds the value and what follows
// a NUL.
func anyLoose(hits []hit, value string) bool {
	if len(hits) == 0 {
		return false
	}
	glob := match.Glob(foldText(value))
	for _, h := range hits {
		cut, _, _ := strings.Cut(h.value, "\x00")
		trimmed := strings.TrimFunc(cut, func(r rune) bool { return unicode.IsSpace(r) || unseen(r) })
		if glob.Match(foldText(trimmed)) || glob.Match(foldText(h.value)) {
			return true
		}
	}
	return false
}

// username reads the typed name. otherKind says that the body is of a kind that another block may accept.
func (x *examination) username(b *Block, c *compiled, names Names) (name string, flaw *RefusedError, otherKind bool) {
	if !x.bodyRead && x.request.ContentLength > BodyLimit {
		return "", tooLarge(), false
	}
	x.readBody(BodyLimit)
	if x.shape == otherBody && x.flaw == nil {
		x.ahead(BodyLimit)
	}
	if x.size > BodyLimit {
		return "", tooLarge(), false
	}
	if x.flaw != nil {
		return "", x.flaw, false
	}
	if what := x.smuggled(); what != "" {
		return "", refuse(reasonForm, what), false
	}
	source := b.Username
	switch {
	case source.Kind == None:
		if what := x.undescribed(c); what != "" {
			return "", refuse(reasonForm, what), false
		}
		return NoName, nil, false
	case source.Kind == Query && x.shape == otherBody,
		source.Kind == Form && (x.shape == jsonBody || x.shape == otherBody),
		source.Kind == JSON && (x.shape == formBody || x.shape == otherBody):
		return "", refuse(reasonForm, "body of another content type"), true
	}
	_, queryFlaw := x.readQuery()
	inQuery, inBody := x.queryHits(c.name), x.bodyHits(c.name)
	if source.Kind == Query && queryFlaw != "" {
		return "", refuse(reasonForm, "query with "+queryFlaw), false
	}
	own := inBody
	if source.Kind == Query {
		own = inQuery
	}
	switch {
	case len(inQuery)+len(inBody) == 0:
		return "", refuse(reasonMissing, "no user name"), false
	case len(inQuery)+len(inBody) > 1:
		return "", refuse(reasonTwice, "more than one user name"), false
	case len(own) != 1 || !own[0].exact:
		return "", refuse(reasonMissing, "user name under another spelling or in another place"), false
	case !own[0].plain:
		return "", refuse(reasonForm, "user name is not text"), false
	}
	if what := x.undescribed(c); what != "" {
		return "", refuse(reasonForm, what), false
	}
	name, err := names.Normalise(own[0].value)
	if err != nil {
		return "", refuse(reasonName, err.Error()), false
	}
	return name, nil, false
}
