package factor

import (
	"encoding/base32"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxProposal is the longest encoded proposal in bytes: room for the longest names.
const maxProposal = 8 << 10

// maxLabel is the longest issuer or account in an otpauth address, in bytes after escaping, so that the whole address
// fits a QR code that a telephone can still read.
const maxLabel = 300

// Proposal is a new seed that has been shown to the user and is not enrolled before Service.Confirm has seen a code of
// it. It is kept in the session meanwhile; the record knows nothing of it.
type Proposal struct {
	// App and User say for whom it was made; it confirms nobody else.
	App, User string
	// Secret is the seed.
	Secret []byte
	// Parameters are how its codes are computed. Skew is that of the configuration when it was made.
	Parameters Parameters
	// Replaces is the ID of the TOTP that it would replace; empty for a first set-up.
	Replaces string
	// Created is when it was made.
	Created time.Time
}

// encodedProposal is the stored form; the schema number lets a later layout refuse this one.
type encodedProposal struct {
	Schema    int       `json:"schema"`
	App       string    `json:"app"`
	User      string    `json:"user"`
	Secret    []byte    `json:"secret"`
	Algorithm Algorithm `json:"algorithm"`
	Digits    int       `json:"digits"`
	Period    int       `json:"period"`
	Skew      int       `json:"skew"`
	Replaces  string    `json:"replaces,omitempty"`
	Created   time.Time `json:"created"`
}

const proposalSchema = 1

// Validate tells whether the proposal can be confirmed at all (ErrInvalid).
func (p Proposal) Validate() error {
	switch {
	case len(p.Secret) < MinSecret || len(p.Secret) > MaxSecret:
		return fmt.Errorf("%w: proposal: bad length of the seed", ErrInvalid)
	case p.User == "" || !utf8.ValidString(p.User) || !utf8.ValidString(p.App):
		return fmt.Errorf("%w: proposal: bad name", ErrInvalid)
	case len(p.Replaces) > maxID || !utf8.ValidString(p.Replaces):
		return fmt.Errorf("%w: proposal: bad enrolment id", ErrInvalid)
	case p.Parameters != p.Parameters.withDefaults():
		return fmt.Errorf("%w: proposal: parameters are missing", ErrInvalid)
	case !storable(p.Created):
		return fmt.Errorf("%w: proposal: impossible time", ErrInvalid)
	}
	return p.Parameters.Validate()
}

// Encode turns the proposal into bytes for the session. They hold the seed. A proposal that is not valid encodes to
// nil, which DecodeProposal refuses.
func (p Proposal) Encode() []byte {
	if p.Validate() != nil {
		return nil
	}
	encoded, err := json.Marshal(encodedProposal{
		Schema: proposalSchema, App: p.App, User: p.User, Secret: p.Secret,
		Algorithm: p.Parameters.Algorithm, Digits: p.Parameters.Digits,
		Period: int(p.Parameters.Period / time.Second), Skew: p.Parameters.Skew,
		Replaces: p.Replaces, Created: p.Created,
	})
	if err != nil {
		return nil
	}
	return encoded
}

// DecodeProposal reads what Encode wrote; ErrInvalid for anything else.
func DecodeProposal(encoded []byte) (Proposal, error) {
	var e *encodedProposal
	if len(encoded) > maxProposal || decodeStrictly(encoded, &e) != nil || e == nil || e.Schema != proposalSchema {
		return Proposal{}, fmt.Errorf("%w: proposal: cannot be read", ErrInvalid)
	}
	if e.Period < 1 || e.Period > int(MaxPeriod/time.Second) {
		return Proposal{}, fmt.Errorf("%w: proposal: bad period", ErrInvalid)
	}
	p := Proposal{
		App: e.App, User: e.User, Secret: e.Secret, Replaces: e.Replaces, Created: e.Created,
		Parameters: Parameters{
			Algorithm: e.Algorithm, Digits: e.Digits, Period: time.Duration(e.Period) * time.Second, Skew: e.Skew,
		},
	}
	if err := p.Validate(); err != nil {
		return Proposal{}, err
	}
	return p, nil
}

// Key is the seed for typing into an authenticator: base32 without padding.
func (p Proposal) Key() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(p.Secret)
}

// GroupedKey is Key in groups of four, for the eye.
func (p Proposal) GroupedKey() string {
	key := p.Key()
	var out strings.Builder
	for i := 0; i < len(key); i += 4 {
		if i > 0 {
			out.WriteByte(' ')
		}
		out.WriteString(key[i:min(i+4, len(key))])
	}
	return out.String()
}

// URI is the otpauth address for a QR code, in the form that authenticators agree on ("Key URI Format"). A colon would
// end the issuer in the label, so both names lose theirs, as well as control, format and bidirectional characters; very
// long names are cut.
func (p Proposal) URI(issuer, user string) string {
	issuer, user = escapeLabel(issuer), escapeLabel(user)
	label := user
	if issuer != "" {
		label = issuer + ":" + user
	}
	uri := "otpauth://totp/" + label + "?secret=" + p.Key()
	if issuer != "" {
		uri += "&issuer=" + issuer
	}
	return uri + "&algorithm=" + string(p.Parameters.Algorithm) + "&digits=" + strconv.Itoa(p.Parameters.Digits) +
		"&period=" + strconv.Itoa(int(p.Parameters.Period/time.Second))
}

// escapeLabel makes a name harmless and escapes everything but RFC 3986's unreserved characters, spaces as %20:
// several authenticators show the plus sign of url.QueryEscape.
func escapeLabel(name string) string {
	const hex = "0123456789ABCDEF"
	var out strings.Builder
	for _, r := range strings.TrimSpace(name) {
		switch {
		case r == ':':
			r = '-'
		case unicode.IsSpace(r):
			r = ' '
		case r == utf8.RuneError || !unicode.IsGraphic(r):
			continue
		}
		var escaped []byte
		for _, b := range utf8.AppendRune(nil, r) {
			if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("-._~", b) >= 0 {
				escaped = append(escaped, b)
			} else {
				escaped = append(escaped, '%', hex[b>>4], hex[b&15])
			}
		}
		if out.Len()+len(escaped) > maxLabel {
			break
		}
		out.Write(escaped)
	}
	return out.String()
}
