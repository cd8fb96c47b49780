package recovery

import (
	"fmt"
	"slices"
	"time"

	"sallyport.example/sallyport/factor"
)

// Kind is recovery codes as a kind of factor. It implements factor.Maker, factor.Counter and factor.Recogniser.
type Kind struct {
	iterations int
}

// New makes the kind. iterations is the work factor of new sets; 0: DefaultIterations.
func New(iterations int) *Kind {
	if iterations == 0 {
		iterations = DefaultIterations
	}
	return &Kind{iterations: iterations}
}

// Name implements factor.Kind.
func (*Kind) Name() factor.Method { return factor.MethodRecovery }

// Validate implements factor.Kind.
func (k *Kind) Validate() error {
	if k.iterations < minIterations || k.iterations > maxIterations {
		return fmt.Errorf("%w: recovery iterations must be from %d to %d", factor.ErrInvalid, minIterations, maxIterations)
	}
	return nil
}

// Check implements factor.Kind.
func (*Kind) Check(f factor.Factor) error {
	_, err := read(f)
	return err
}

// Make implements factor.Maker. Every set of recovery codes has the same ID, so that a new set replaces the old one.
func (k *Kind) Make(env factor.Env) (factor.Factor, []string, error) {
	s, codes, err := newSet(env.Random, k.iterations)
	if err != nil {
		return factor.Factor{}, nil, err
	}
	f, err := s.into(factor.Factor{ID: string(factor.MethodRecovery), Kind: factor.MethodRecovery, Created: env.Now.UTC()})
	if err != nil {
		return factor.Factor{}, nil, err
	}
	return f, codes, nil
}

// Recognises implements factor.Recogniser: nothing else that people type has this form.
func (*Kind) Recognises(text string) bool {
	_, ok := parse(text)
	return ok
}

// Left implements factor.Counter.
func (*Kind) Left(f factor.Factor) (left, total int) {
	s, err := read(f)
	if err != nil {
		return 0, 0
	}
	return len(s.Hashes), s.Total
}

// Judge implements factor.Kind: a right code is taken out of the set. The judgement keeps the slow hash, so that
// judging anew after a conflict does not compute it again. It does not record when a code was used, because schema 1
// has no field for that.
func (*Kind) Judge(answer factor.Answer) factor.Judgement {
	code, ok := parse(answer.Text)
	var salt string
	var iterations int
	var sum []byte
	return func(f factor.Factor, _ time.Time) (factor.Factor, bool, error) {
		s, err := read(f)
		if err != nil || !ok || len(s.Hashes) == 0 {
			return factor.Factor{}, false, err
		}
		if sum == nil || salt != string(s.Salt) || iterations != s.Iterations {
			computed, err := s.hash(code)
			if err != nil {
				return factor.Factor{}, false, err
			}
			salt, iterations, sum = string(s.Salt), s.Iterations, computed
		}
		at := s.find(sum)
		if at < 0 {
			return factor.Factor{}, false, nil
		}
		s.Hashes = slices.Delete(s.Hashes, at, at+1) // the list is a copy, made by read
		next, err := s.into(f)
		return next, err == nil, err
	}
}

var (
	_ factor.Maker      = (*Kind)(nil)
	_ factor.Counter    = (*Kind)(nil)
	_ factor.Recogniser = (*Kind)(nil)
)
