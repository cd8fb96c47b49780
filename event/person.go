package event

import "context"

// Person is how the user whom an event is about can be reached. It is no part of the event, so that nothing that writes
// events down has it (P9): it goes beside the event, in the context, to who sends notices.
type Person struct {
	// Mail is an e-mail address; empty if none is known.
	Mail string
	// Language is the tag of the language that the request's browser asks for.
	Language string
	// Browser is a short name of the kind of browser that the request came from.
	Browser string
	// Before: Mail is the address that the user had, which has to be told, and no other.
	Before bool
}

type personKey struct{}

// WithPerson returns a context for Sink.Emit that knows whom the event is about.
func WithPerson(ctx context.Context, person Person) context.Context {
	return context.WithValue(ctx, personKey{}, person)
}

// PersonOf is whom the event of a context is about; empty if that is not known.
func PersonOf(ctx context.Context) Person {
	person, _ := ctx.Value(personKey{}).(Person)
	return person
}
