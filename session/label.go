package session

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"sallyport.example/sallyport/gate"
)

// MaxStrangers is how many anonymous sessions a store keeps unless it is told otherwise. One more ends the oldest of
// them: strangers can cost each other their sessions, and nobody else anything.
const MaxStrangers = 10_000

// Owner names an account of an app to a store, which learns neither from it; a seal makes another one of it, with a
// key. The zero Owner is nobody.
type Owner [16]byte

// ownerOf is the Owner of an account. Two accounts with one Owner would do no harm: who looks for the sessions of one
// of them compares the names.
func ownerOf[T string | []byte](app, identity T) (owner Owner) {
	const purpose = "sallyport sessions of an account\x00"
	text := make([]byte, 0, 128)
	text = binary.AppendUvarint(append(text, purpose...), uint64(len(app)))
	sum := sha256.Sum256(append(append(text, app...), identity...))
	copy(owner[:], sum[:])
	return owner
}

// Label is what a store is told of a session, since it cannot read its value: whose it is, or that it is a stranger's.
// It comes with the context of whatever stores the session (LabelOf). The zero Label says nothing: so are sessions
// labelled that a version of the gateway stored which knew no labels.
type Label struct {
	// Owner is the account that a login was made to; zero in a stranger's session.
	Owner Owner
	// Stranger says that the session is anonymous.
	Stranger bool
}

type labelKey struct{}

// WithLabel returns a context that has the label for the session which is stored with it.
func WithLabel(ctx context.Context, label Label) context.Context {
	return context.WithValue(ctx, labelKey{}, label)
}

// LabelOf is the label of the session that is stored with a context.
func LabelOf(ctx context.Context) Label {
	label, _ := ctx.Value(labelKey{}).(Label)
	return label
}

// labelFor is the label of an encoded session.
func labelFor(stored []byte) Label {
	state, app, identity, ok := peek(stored)
	switch {
	case !ok:
		return Label{}
	case state == gate.Anonymous:
		return Label{Stranger: true}
	}
	return Label{Owner: ownerOf(app, identity)}
}

// Index finds the sessions of one account without going over all of them.
type Index interface {
	// OwnedCtx calls visit for each live session that was stored last with one of these owners, with bytes that visit
	// may keep. One that is so all the while is visited, also if it moves to another token, or from one of these owners
	// to another: under one of the two tokens at least. Others may be visited too. An error of visit ends it and is
	// returned as it is. visit must not use the store.
	//
	// A seal, which has a name of its own for each owner, may have read lately only under which names sessions are
	// stored at other nodes. Its OwnedNowCtx makes sure of them.
	OwnedCtx(ctx context.Context, owners []Owner, visit func(token string, stored []byte) error) error
	// UnlabelledCtx does so for the live sessions that were stored without a label, by a version from before the index.
	// Where there are none it costs little.
	UnlabelledCtx(ctx context.Context, visit func(token string, stored []byte) error) error
}

// ownedNow is the index's OwnedNowCtx, where it has one.
func ownedNow(ctx context.Context, index Index, owners []Owner, visit func(token string, stored []byte) error) error {
	able, ok := index.(interface {
		OwnedNowCtx(ctx context.Context, owners []Owner, visit func(token string, stored []byte) error) error
	})
	if !ok {
		return index.OwnedCtx(ctx, owners, visit)
	}
	return able.OwnedNowCtx(ctx, owners, visit)
}
