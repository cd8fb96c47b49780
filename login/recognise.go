package login

import (
	"net/http"
	"strings"
	"unicode"

	"sallyport/match"
)

// Recognise decides whether r, whose path is given, is a login.
//
//   - nil, nil: it is none.
//   - an Attempt: it is one, and carries one name that all servers read alike.
//   - a *RefusedError: it is one, or one to some server, and must not reach the app.
//   - an *UnexaminedError: whether it is one could not be seen.
//
// Only where method and path fit a block is anything read, and of the body no more than BodyLimit. Whatever was read,
// r.Body afterwards yields the bytes that came from the client, and length and transfer encoding are untouched.
func (s *Set) Recognise(r *http.Request, path match.Path) (*Attempt, error) {
	plan := s.plan()
	rt := route{path: path}
	first := 0
	for first < len(plan) && rt.of(&s.Blocks[first], &plan[first], r.Method) == other {
		first++
	}
	if first == len(plan) {
		return nil, nil
	}
	if len(r.URL.RawQuery) > BodyLimit {
		return nil, &RefusedError{Status: http.StatusRequestEntityTooLarge, Reason: reasonLarge, Log: "query over 64 KiB"}
	}
	x := &examination{request: r}
	var misfit *RefusedError
	var unexamined *RefusedError
	inexact := false
	for i := first; i < len(plan); i++ {
		spelled := rt.of(&s.Blocks[i], &plan[i], r.Method)
		if spelled == other {
			continue
		}
		holds, flaw := x.conditions(&s.Blocks[i], &plan[i])
		switch {
		case holds == no:
			continue
		case holds == unknown:
			if unexamined == nil {
				unexamined = flaw
			}
			continue
		case holds == doubtful:
			return nil, flaw
		case spelled == loose:
			// Another block may name just this spelling.
			inexact = true
			continue
		}
		name, flaw, otherKind := x.username(&s.Blocks[i], &plan[i], s.Names)
		if flaw == nil {
			return &Attempt{Block: &s.Blocks[i], Name: name}, nil
		}
		if !otherKind {
			return nil, flaw
		}
		// A later block may read this kind of body.
		if misfit == nil {
			misfit = flaw
		}
	}
	switch {
	case misfit != nil:
		return nil, misfit
	case inexact:
		return nil, refuse(reasonSpelling, "path or method is not spelled as configured")
	case unexamined != nil:
		return nil, unexamined.unexamined()
	}
	return nil, nil
}

// verdict is whether conditions hold, from the weightiest to the lightest.
type verdict byte

const (
	// no: to no server.
	no verdict = iota
	// unknown: the body could not be read to its end.
	unknown
	// doubtful: to some servers.
	doubtful
	// yes: to all.
	yes
)

func (x *examination) conditions(b *Block, c *compiled) (verdict, *RefusedError) {
	result, why := yes, (*RefusedError)(nil)
	// Queries first: they cost least, and a no spares reading the body.
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
	switch {
	case x.flaw != nil && (found || foundInQuery):
		return doubtful, x.flaw
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

// certain tells whether every server finds the value under the name.
func certain(h hit, value string) bool { return h.exact && match.Glob(value).Match(h.value) }

// anyLoose tells whether some server could find the value, ignoring case, what stands around it and what follows a NUL.
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

// username reads the typed name. otherKind tells that the body is of a kind that another block may be for.
func (x *examination) username(b *Block, c *compiled, names Names) (name string, flaw *RefusedError, otherKind bool) {
	if !x.bodyRead && x.request.ContentLength > BodyLimit {
		return "", tooLarge(), false
	}
	x.readBody()
	if x.shape == otherBody && x.flaw == nil {
		x.ahead()
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
	name, err := names.Normalise(own[0].value)
	if err != nil {
		return "", refuse(reasonName, err.Error()), false
	}
	return name, nil, false
}
