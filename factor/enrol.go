package factor

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Propose makes a new seed for the user and stores nothing. For a user who is enrolled the proposal replaces exactly
// the present enrolment, which stays valid until Confirm.
func (s *Service) Propose(ctx context.Context, user string) (Proposal, error) {
	record, exists, err := s.read(ctx, user)
	if err != nil {
		return Proposal{}, err
	}
	proposal := Proposal{
		App: s.config.App, User: user, Parameters: s.config.Parameters, Created: s.config.Now().UTC(),
		Secret: make([]byte, s.config.Parameters.Algorithm.secretSize()),
	}
	if exists {
		proposal.Replaces = record.TOTP.ID
	}
	if _, err := io.ReadFull(s.config.Random, proposal.Secret); err != nil {
		return Proposal{}, fmt.Errorf("factor: reading random bytes: %w", err)
	}
	return proposal, nil
}

// URI is the proposal's otpauth address with the configured issuer.
func (s *Service) URI(proposal Proposal, user string) string {
	return proposal.URI(s.config.Issuer, user)
}

// Confirm enrols the proposed seed once a code has proved that the user has it. The code's step counts as used.
//
// A first set-up makes the record and returns its recovery codes, to be shown once; of several set-ups in parallel one
// wins and the others get ErrAlreadyEnrolled. A reset replaces the enrolment that the proposal was made for, keeps the
// recovery codes and the throttle, and returns nil; ErrProposalStale when that enrolment is gone, or when the proposal
// is another user's. ErrWrongCode is not counted: whoever types here has been shown the seed.
func (s *Service) Confirm(ctx context.Context, user string, proposal Proposal, code string) ([]string, error) {
	if err := s.check(user); err != nil {
		return nil, err
	}
	if err := proposal.Validate(); err != nil {
		return nil, err
	}
	if proposal.App != s.config.App || proposal.User != user {
		return nil, ErrProposalStale
	}
	now := s.config.Now()
	parameters := proposal.Parameters
	parameters.Skew = s.config.Parameters.Skew
	step, err := parameters.match(proposal.Secret, code, now)
	if err != nil {
		return nil, err
	}
	if step == noStep {
		return nil, ErrWrongCode
	}
	enrolment, err := s.newTOTP(proposal, step, now.UTC())
	if err != nil {
		return nil, err
	}
	if proposal.Replaces != "" {
		return nil, s.confirmReset(ctx, user, proposal.Replaces, enrolment)
	}
	return s.confirmSetUp(ctx, user, enrolment, now.UTC())
}

func (s *Service) newTOTP(proposal Proposal, step int64, now time.Time) (TOTP, error) {
	id, err := s.newID()
	if err != nil {
		return TOTP{}, err
	}
	return TOTP{
		ID: id, Secret: proposal.Secret, Algorithm: proposal.Parameters.Algorithm, Digits: proposal.Parameters.Digits,
		Period: int(proposal.Parameters.Period / time.Second), Step: step, Created: now, Used: now,
	}, nil
}

func (s *Service) confirmSetUp(ctx context.Context, user string, enrolment TOTP, now time.Time) ([]string, error) {
	set, codes, err := newRecoverySet(s.config.Random, s.config.RecoveryIterations, now)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, user, func(_ Record, exists bool) (verdict, error) {
		if exists {
			return verdict{}, ErrAlreadyEnrolled
		}
		record := Record{Schema: RecordSchema, User: user, TOTP: &enrolment, Recovery: set}
		record.happened(ctx, EventEnabled, now)
		return verdict{next: record}, nil
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

func (s *Service) confirmReset(ctx context.Context, user, replaces string, enrolment TOTP) error {
	return s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists || record.TOTP.ID != replaces {
			return verdict{}, ErrProposalStale
		}
		record.TOTP, record.Devices = &enrolment, nil
		record.happened(ctx, EventReset, enrolment.Created)
		return verdict{next: record}, nil
	})
}

// NewRecoveryCodes replaces the user's recovery codes and returns the new ones, to be shown once. Trusted browsers are forgotten, as
// with every change of factors. It asks for no code;
// the caller did. ErrNotEnrolled when there is no record.
func (s *Service) NewRecoveryCodes(ctx context.Context, user string) ([]string, error) {
	if err := s.check(user); err != nil {
		return nil, err
	}
	set, codes, err := newRecoverySet(s.config.Random, s.config.RecoveryIterations, s.config.Now().UTC())
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, user, func(record Record, exists bool) (verdict, error) {
		if !exists {
			return verdict{}, ErrNotEnrolled
		}
		record.Recovery, record.Devices = set, nil
		record.happened(ctx, EventCodes, set.Created)
		return verdict{next: record}, nil
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}
