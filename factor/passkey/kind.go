package passkey

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"golang.org/x/net/publicsuffix"

	"sallyport.example/sallyport/factor"
)

// Most is how many passkeys a user may have.
const Most = 10

// The words for user verification: whether the device has to recognise the user, by a fingerprint, a face or a PIN.
// With Preferred and Discouraged a touch is enough.
const (
	Preferred   = string(protocol.VerificationPreferred)
	Required    = string(protocol.VerificationRequired)
	Discouraged = string(protocol.VerificationDiscouraged)
)

// localhost is the only name at which browsers allow passkeys without TLS, with all names below it.
const localhost = "localhost"

// Options are a Kind's settings.
type Options struct {
	// RPID is the name that passkeys are bound to: a host, or a domain that its host lies in. Without one no passkey
	// can be set up or used.
	RPID string
	// Name is what devices call the site; default: the app.
	Name string
	// Verification is one of the words for user verification; default Preferred.
	Verification string
}

// Kind is the kind of factor. It implements factor.Enroller, factor.Asker, factor.Several, factor.Placed,
// factor.Distinct, factor.Describer and factor.Unguessable.
type Kind struct {
	options Options
}

// New makes the kind.
func New(options Options) *Kind {
	if options.Verification == "" {
		options.Verification = Preferred
	}
	return &Kind{options: options}
}

// Name implements factor.Kind.
func (*Kind) Name() factor.Method { return factor.MethodPasskey }

// Validate implements factor.Kind.
func (k *Kind) Validate() error {
	switch k.options.Verification {
	case Preferred, Required, Discouraged:
	default:
		return fmt.Errorf("%w: user_verification must be %s, %s or %s", factor.ErrInvalid, Preferred, Required, Discouraged)
	}
	if k.options.RPID == "" {
		return nil
	}
	return CheckRPID(k.options.RPID)
}

// CheckRPID reports what is wrong with an RP ID (factor.ErrInvalid): it has to be a name in lower case.
func CheckRPID(id string) error {
	if err := protocol.ValidateRPID(id); err != nil || id != strings.ToLower(id) || strings.ContainsAny(id, "*:") {
		return fmt.Errorf("%w: rp_id '%s': want a domain in lower case, such as example.com", factor.ErrInvalid, id)
	}
	return nil
}

// Most implements factor.Several.
func (*Kind) Most() int { return Most }

// Unguessable implements factor.Unguessable.
func (*Kind) Unguessable() {}

// UsableAt implements factor.Placed: browsers let a page use an RP ID that is its host, or that its host lies in, and
// only over TLS or on this very machine.
func (k *Kind) UsableAt(site string) bool {
	address, err := url.Parse(site)
	if err != nil || k.options.RPID == "" {
		return false
	}
	host := strings.ToLower(address.Hostname())
	switch {
	case address.Scheme == "https":
	case address.Scheme == "http" && (host == localhost || strings.HasSuffix(host, "."+localhost)):
	default:
		return false
	}
	return Covers(k.options.RPID, host)
}

// Covers reports whether a page of the host can use the RP ID: it is the host, or a domain that the host lies in and
// that is somebody's (not `com`, nor `co.uk`). No address is covered.
func Covers(id, host string) bool {
	if net.ParseIP(host) != nil || id == "" {
		return false
	}
	if host == id {
		return true
	}
	suffix, _ := publicsuffix.PublicSuffix(id)
	return strings.HasSuffix(host, "."+id) && (suffix != id || id == localhost)
}

// party is the site as the library knows it, where only one origin counts.
func (k *Kind) party(app, site string) (*webauthn.WebAuthn, error) {
	name := k.options.Name
	if name == "" {
		name = app
	}
	timeout := webauthn.TimeoutConfig{Timeout: factor.QuestionLifetime, TimeoutUVD: factor.QuestionLifetime}
	made, err := webauthn.New(&webauthn.Config{
		RPID: k.options.RPID, RPDisplayName: name, RPOrigins: []string{site},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: k.verification(),
		},
		Timeouts: webauthn.TimeoutsConfig{Login: timeout, Registration: timeout},
		// Password managers add some without being asked. Nobody here looks at any.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: passkey: the settings do not hold", factor.ErrInvalid)
	}
	return made, nil
}

func (k *Kind) verification() protocol.UserVerificationRequirement {
	return protocol.UserVerificationRequirement(k.options.Verification)
}

// owner is a user as the library knows one: the handle, and some of the passkeys.
type owner struct {
	handle      []byte
	name        string
	credentials []webauthn.Credential
}

func (o owner) WebAuthnID() []byte                         { return o.handle }
func (o owner) WebAuthnName() string                       { return o.name }
func (o owner) WebAuthnDisplayName() string                { return o.name }
func (o owner) WebAuthnCredentials() []webauthn.Credential { return o.credentials }

func corrupt(why string) error { return fmt.Errorf("%w: %s", factor.ErrCorrupt, why) }

var (
	_ factor.Enroller    = (*Kind)(nil)
	_ factor.Asker       = (*Kind)(nil)
	_ factor.Several     = (*Kind)(nil)
	_ factor.Placed      = (*Kind)(nil)
	_ factor.Distinct    = (*Kind)(nil)
	_ factor.Describer   = (*Kind)(nil)
	_ factor.Unguessable = (*Kind)(nil)
)
