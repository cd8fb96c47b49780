package factor

import (
	"context"
	"fmt"
)

// Begin begins the set-up of a factor for the user and stores nothing. If the user is enrolled, it is to replace
// exactly the oldest factor of the kind, which stays valid until Confirm.
func (s *Service) Begin(ctx context.Context, user string, name Method) (Ceremony, error) {
	record, _, err := s.read(ctx, user)
	if err != nil {
		return Ceremony{}, err
	}
	kind, err := s.enroller(name)
	if err != nil {
		return Ceremony{}, err
	}
	env := s.env(user)
	ceremony, err := kind.Begin(env)
	if err != nil {
		return Ceremony{}, err
	}
	ceremony.Kind, ceremony.App, ceremony.User, ceremony.Created = name, env.App, env.User, env.Now.UTC()
	if at := record.first(name); at >= 0 {
		ceremony.Replaces = record.Factors[at].ID
	}
	return ceremony, nil
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
	return kind.Show(s.env(ceremony.User), ceremony)
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
// that counts now gets ErrProposalStale. A reset replaces the factor for which the ceremony was made, keeps the
// recovery codes and the throttle, and returns nil. The error is ErrProposalStale if that factor is gone, or if the
// ceremony is another user's. ErrWrongCode is not counted, because the user who answers here has been shown the
// seed.
func (s *Service) Confirm(ctx context.Context, user string, ceremony Ceremony, answer Answer) ([]string, error) {
	if err := s.check(user); err != nil {
		return nil, err
	}
	if err := ceremony.Validate(); err != nil {
		return nil, err
	}
	kind, err := s.enroller(ceremony.Kind)
	if err != nil {
		return nil, err
	}
	env := s.env(user)
	if !ceremony.of(env) {
		return nil, ErrProposalStale
	}
	enrolled, right, err := kind.Finish(env, ceremony, answer)
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, ErrWrongCode
	}
	if enrolled.ID, err = s.random(idSize); err != nil {
		return nil, err
	}
	enrolled.Kind, enrolled.Created, enrolled.Used = ceremony.Kind, env.Now.UTC(), env.Now.UTC()
	if ceremony.Replaces != "" {
		return nil, s.confirmReset(ctx, user, ceremony.Replaces, enrolled)
	}
	return s.confirmSetUp(ctx, env, enrolled, ceremony.Claim)
}

func (s *Service) confirmSetUp(ctx context.Context, env Env, enrolled Factor, claim string) ([]string, error) {
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
		case before.owesCode() && !before.Code.claimedBy(claim):
			return verdict{}, ErrProposalStale
		}
		record := Record{User: env.User, Factors: factors, Activity: before.Activity, Contact: before.Contact}
		record.happened(ctx, EventEnabled, enrolled.Created)
		return verdict{next: record}, nil
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

func (s *Service) confirmReset(ctx context.Context, user, replaces string, enrolled Factor) error {
	return s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists || !record.has(enrolled.Kind, replaces) {
			return verdict{}, ErrProposalStale
		}
		record.Factors, record.Devices, record.Code = record.with(enrolled, replaces), nil, nil
		record.happened(ctx, EventReset, enrolled.Created)
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
	set, codes, err := s.makeCodes(s.env(user))
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
