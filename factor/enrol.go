package factor

import (
	"context"
	"fmt"
	"slices"
)

// Begin begins the set-up of a factor for the user and stores nothing. If the user is enrolled, it is to replace
// exactly the oldest factor of the kind, which stays valid until Confirm. ErrInvalid if users cannot set up the kind
// here.
func (s *Service) Begin(ctx context.Context, user string, name Method) (Ceremony, error) {
	return begin(ctx, s, user, name, func(record Record, _ bool, ceremony *Ceremony) error {
		if at := record.first(name); at >= 0 {
			ceremony.Replaces = record.Factors[at].ID
		}
		return nil
	})
}

// Each is what users do with single factors, where they may have several.
type Each struct{ s *Service }

// Each returns that part of the service.
func (s *Service) Each() Each { return Each{s} }

// BeginReset is Service.Begin for a factor that is to replace the one with this ID. ErrNoSuchFactor if the user has
// none.
func (e Each) BeginReset(ctx context.Context, user string, name Method, id string) (Ceremony, error) {
	return begin(ctx, e.s, user, name, func(record Record, _ bool, ceremony *Ceremony) error {
		if !record.has(name, id) {
			return ErrNoSuchFactor
		}
		ceremony.Replaces = id
		return nil
	})
}

// BeginAdd is Service.Begin for a further factor of somebody who has one. It can be confirmed as long as the user's
// factors are those that there are now. ErrNotEnrolled, and ErrTooMany if there are as many of the kind as there may
// be.
func (e Each) BeginAdd(ctx context.Context, user string, name Method) (Ceremony, error) {
	return begin(ctx, e.s, user, name, func(record Record, exists bool, ceremony *Ceremony) error {
		switch {
		case !exists:
			return ErrNotEnrolled
		case len(record.of(name)) >= most(e.s, name):
			return ErrTooMany
		}
		ceremony.Beside = record.mark()
		return nil
	})
}

// begin begins a set-up. place says what it is to take the place of.
func begin(ctx context.Context, s *Service, user string, name Method, place func(Record, bool, *Ceremony) error) (Ceremony, error) {
	record, exists, err := s.read(ctx, user)
	if err != nil {
		return Ceremony{}, err
	}
	env := envOf(ctx, s, user, name)
	if !s.Each().Offers(name, env.Site) {
		return Ceremony{}, fmt.Errorf("%w: there is no such kind of factor, or nobody sets it up here", ErrInvalid)
	}
	var where Ceremony
	if err := place(record, exists, &where); err != nil {
		return Ceremony{}, err
	}
	ceremony, err := start(s, env, record, name)
	if err != nil {
		return Ceremony{}, err
	}
	ceremony.Replaces, ceremony.Beside = where.Replaces, where.Beside
	return ceremony, nil
}

// start has the kind make its part of a set-up.
func start(s *Service, env Env, record Record, name Method) (Ceremony, error) {
	kind, err := s.enroller(name)
	if err != nil {
		return Ceremony{}, err
	}
	env.Factors = record.of(name)
	ceremony, err := kind.Begin(env)
	if err != nil {
		return Ceremony{}, err
	}
	ceremony.Kind, ceremony.App, ceremony.User, ceremony.Created = name, env.App, env.User, env.Now.UTC()
	return ceremony, nil
}

// Renew makes what the kind proposes in a set-up anew, and shows it. The set-up remains the same in all else, also in
// when it began. ErrProposalStale if the ceremony is another user's.
func (e Each) Renew(ctx context.Context, user string, ceremony Ceremony) (Ceremony, Offer, error) {
	record, _, err := e.s.read(ctx, user)
	if err != nil {
		return Ceremony{}, Offer{}, err
	}
	env := envOf(ctx, e.s, user, ceremony.Kind)
	if !ceremony.of(env) {
		return Ceremony{}, Offer{}, ErrProposalStale
	}
	renewed, err := start(e.s, env, record, ceremony.Kind)
	if err != nil {
		return Ceremony{}, Offer{}, err
	}
	ceremony.State, ceremony.Secret = renewed.State, renewed.Secret
	kind, err := e.s.enroller(ceremony.Kind)
	if err != nil {
		return Ceremony{}, Offer{}, err
	}
	env.Factors = record.of(ceremony.Kind)
	offer, err := kind.Show(env, ceremony)
	if err != nil {
		return Ceremony{}, Offer{}, err
	}
	return ceremony, offer, nil
}

// Offers reports whether users can set up a kind of factor at a site, which is named as in Env.Site.
func (e Each) Offers(name Method, site string) bool {
	kind, _ := e.s.config.kind(name)
	return enrols(kind) && (len(e.s.config.Offered) == 0 || slices.Contains(e.s.config.Offered, name)) && e.UsableAt(name, site)
}

// Offered returns the kinds of factors that users can set up at a site, in the order in which they are offered.
func (e Each) Offered(site string) (names []Method) {
	order := e.s.config.Offered
	if len(order) == 0 {
		for _, kind := range e.s.config.Kinds {
			order = append(order, kind.Name())
		}
	}
	for _, name := range order {
		if e.Offers(name, site) {
			names = append(names, name)
		}
	}
	return names
}

// UsableAt reports whether a kind of factor is judged here and can be used at a site.
func (e Each) UsableAt(name Method, site string) bool {
	kind, known := e.s.config.kind(name)
	placed, choosy := kind.(Placed)
	return known && (!choosy || placed.UsableAt(site))
}

// most is how many factors of a kind a user may have.
func most(s *Service, name Method) int {
	kind, _ := s.config.kind(name)
	if several, ok := kind.(Several); ok {
		return several.Most()
	}
	return 1
}

// Show returns what the user is shown of a set-up; it may be called again. ErrInvalid if the ceremony cannot be used.
func (s *Service) Show(ceremony Ceremony) (Offer, error) {
	if s.invalid != nil {
		return Offer{}, s.invalid
	}
	kind, err := s.enroller(ceremony.Kind)
	if err != nil {
		return Offer{}, err
	}
	return kind.Show(s.env(context.Background(), ceremony.User), ceremony)
}

// enrols reports whether users set a kind up.
func enrols(kind Kind) bool {
	_, ok := kind.(Enroller)
	return ok
}

func (s *Service) enroller(name Method) (Enroller, error) {
	kind, _ := s.config.kind(name)
	enroller, ok := kind.(Enroller)
	if !ok {
		return nil, fmt.Errorf("%w: there is no such kind of factor, or nobody sets it up", ErrInvalid)
	}
	return enroller, nil
}

// Confirm enrols the proposed factor once the answer has proved that the user has it. A confirming code counts as used.
//
// A first set-up makes the record and returns its recovery codes, to be shown once; of several set-ups in parallel
// one succeeds and the others get ErrAlreadyEnrolled. One that owes a code (Help.Claim) and has not given the one
// that counts now gets ErrProposalStale. A reset replaces the factor for which the ceremony was made, and a further
// factor (BeginAdd) stands beside the others; both keep the recovery codes and the throttle, and return none. The error
// is ErrProposalStale if the factor is gone, if the others have changed since, or if the ceremony is another user's.
// ErrWrongCode is not counted, because the user who answers here has been shown the seed; but for a code that was sent
// (Messenger), which is judged and counted like any other.
func (s *Service) Confirm(ctx context.Context, user string, ceremony Ceremony, answer Answer) (Confirmed, error) {
	if err := s.check(user); err != nil {
		return Confirmed{}, err
	}
	if err := ceremony.Validate(); err != nil {
		return Confirmed{}, err
	}
	kind, err := s.enroller(ceremony.Kind)
	if err != nil {
		return Confirmed{}, err
	}
	env := envOf(ctx, s, user, ceremony.Kind)
	if !ceremony.of(env) {
		return Confirmed{}, ErrProposalStale
	}
	enrolled, right, err := finish(ctx, s, kind, env, ceremony, answer)
	if err != nil {
		return Confirmed{}, err
	}
	if !right {
		return Confirmed{}, ErrWrongCode
	}
	if enrolled.ID, err = s.random(idSize); err != nil {
		return Confirmed{}, err
	}
	enrolled.Kind, enrolled.Created, enrolled.Used = ceremony.Kind, env.Now.UTC(), env.Now.UTC()
	if name := short(answer.Name); name != "" {
		enrolled.Name = name
	}
	confirmed := Confirmed{ID: enrolled.ID, Name: enrolled.Name}
	switch {
	case ceremony.Replaces != "":
		err = confirmReset(ctx, s, user, ceremony.Replaces, enrolled)
	case ceremony.Beside != "":
		err = confirmAdd(ctx, s, user, ceremony.Beside, enrolled)
	default:
		confirmed.Codes, err = confirmSetUp(ctx, s, env, enrolled, ceremony.Claim)
	}
	if err != nil {
		return Confirmed{}, err
	}
	return confirmed, nil
}

// Confirmed is a factor that was set up.
type Confirmed struct {
	// ID and Name are the factor's.
	ID, Name string
	// Codes are the recovery codes of a first set-up, to be shown once.
	Codes []string
}

func confirmSetUp(ctx context.Context, s *Service, env Env, enrolled Factor, claim string) ([]string, error) {
	factors := []Factor{enrolled}
	var codes []string
	if _, known := s.config.kind(MethodRecovery); known {
		set, made, err := s.makeCodes(env)
		if err != nil {
			return nil, err
		}
		factors, codes = append(factors, set), made
	}
	err := s.change(ctx, env.User, func(before Record, exists bool) (verdict, error) {
		switch {
		case exists:
			return verdict{}, ErrAlreadyEnrolled
		case OwesCode(exists, before.reset(), s.config.EnrolmentCode) && !before.Code.claimedBy(claim):
			return verdict{}, ErrProposalStale
		}
		record := Record{User: env.User, Factors: factors, Activity: before.Activity, Contact: before.Contact, Sending: before.Sending}
		record.happened(ctx, EventEnabled, enrolled.Created)
		return verdict{next: record}, nil
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

func confirmReset(ctx context.Context, s *Service, user, replaces string, enrolled Factor) error {
	return s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists || !record.has(enrolled.Kind, replaces) {
			return verdict{}, ErrProposalStale
		}
		record.Factors, record.Devices, record.Code = record.with(enrolled, replaces), nil, nil
		record.happened(ctx, EventReset, enrolled.Created)
		return verdict{next: record}, nil
	})
}

func confirmAdd(ctx context.Context, s *Service, user, beside string, enrolled Factor) error {
	kind, _ := s.config.kind(enrolled.Kind)
	distinct, tells := kind.(Distinct)
	return s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		others := record.of(enrolled.Kind)
		switch {
		case !exists || record.mark() != beside:
			return verdict{}, ErrProposalStale
		case len(others) >= most(s, enrolled.Kind):
			return verdict{}, ErrTooMany
		case tells && slices.ContainsFunc(others, func(other Factor) bool { return distinct.Same(other, enrolled) }):
			return verdict{}, fmt.Errorf("%w: the user has this factor already", ErrInvalid)
		}
		record.Factors, record.Devices, record.Code = record.with(enrolled, enrolled.ID), nil, nil
		record.happened(ctx, EventAdded, enrolled.Created)
		return verdict{next: record}, nil
	})
}

// Remove takes one of the user's factors away, and with the last one all that there is, as Service.Disable does; last
// reports whether it was that one. Where required is true, the last one stays (ErrLastFactor). Trusted browsers are
// forgotten, and an operator's code ends. It requires no proof: the caller has done that. ErrNotEnrolled,
// ErrNoSuchFactor.
func (e Each) Remove(ctx context.Context, user, id string, required bool) (removed FactorStatus, last bool, err error) {
	err = e.s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists {
			return verdict{}, ErrNotEnrolled
		}
		at := record.find(id)
		if at < 0 {
			return verdict{}, ErrNoSuchFactor
		}
		f := record.Factors[at]
		removed = FactorStatus{ID: f.ID, Kind: f.Kind, Name: f.Name, Created: f.Created, Used: f.Used}
		rest := slices.Delete(slices.Clone(record.Factors), at, at+1)
		last = !slices.ContainsFunc(rest, func(f Factor) bool { return f.Kind.standsAlone() })
		switch {
		case last && required:
			return verdict{}, ErrLastFactor
		case last:
			return emptied(e.s, record), nil
		}
		record.Factors, record.Devices, record.Code = rest, nil, nil
		record.happened(ctx, EventRemoved, e.s.config.Now().UTC())
		return verdict{next: record}, nil
	})
	return removed, last, err
}

// Rename gives one of the user's factors a name; an empty one takes its name away. It requires no proof: the caller has
// done that. ErrNotEnrolled, ErrNoSuchFactor.
func (e Each) Rename(ctx context.Context, user, id, name string) error {
	name = short(name)
	return e.s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists {
			return verdict{}, ErrNotEnrolled
		}
		at := record.find(id)
		switch {
		case at < 0:
			return verdict{}, ErrNoSuchFactor
		case record.Factors[at].Name == name:
			return verdict{keep: true}, nil
		}
		record.Factors = slices.Clone(record.Factors)
		record.Factors[at].Name = name
		return verdict{next: record}, nil
	})
}

// NewRecoveryCodes replaces the user's recovery codes and returns the new ones, to be shown once. Trusted browsers
// are forgotten, and an operator's code ends, as with every change of factors. It requires no code: the caller has
// done that. ErrNotEnrolled if there is no record.
func (s *Service) NewRecoveryCodes(ctx context.Context, user string) ([]string, error) {
	if err := s.check(user); err != nil {
		return nil, err
	}
	set, codes, err := s.makeCodes(s.env(ctx, user))
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists {
			return verdict{}, ErrNotEnrolled
		}
		record.Factors, record.Devices, record.Code = record.with(set, set.ID), nil, nil
		record.happened(ctx, EventCodes, set.Created)
		return verdict{next: record}, nil
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// makeCodes makes a set of recovery codes.
func (s *Service) makeCodes(env Env) (set Factor, codes []string, err error) {
	kind, _ := s.config.kind(MethodRecovery)
	maker, ok := kind.(Maker)
	if !ok {
		return Factor{}, nil, fmt.Errorf("%w: there are no recovery codes here", ErrInvalid)
	}
	return maker.Make(env)
}
