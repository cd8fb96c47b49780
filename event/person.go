package event

import "context"

// Person is how the user whom an event is about can be reached. It is not part of the event, so that no sink that
// writes events gets it (P9). It goes in the context to the sinks that send notices.
type Person struct {
	// Mail is an e-mail address; empty if none is known.
	Mail string
	// Language is the tag of the language that the request's browser asks for.
	Language string
	// Browser is a short name of the kind of browser that the request came from.
	Browser string
	// Before: Mail is the user's earlier address, and a notice goes to it and to no other.
	Before bool
}

type personKey struct{}

// WithPerson returns a context for Sink.Emit with the person whom the event is about.
func WithPerson(ctx context.Context, person Person) context.Context {
	return context.WithValue(ctx, personKey{}, person)
}

// PersonOf returns the person whom the event of a context is about; empty if that is not known.
func PersonOf(ctx context.Context) Person {
	person, _ := ctx.Value(personKey{}).(Person)
	return person
}
