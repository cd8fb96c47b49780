package notify

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/internal/match"
	"sallyport.example/sallyport/locale"
	"sallyport.example/sallyport/mail"
)

// Contact is how a user can be reached, as far as the user's record knows.
type Contact struct {
	// Mail is an address; empty if none is known.
	Mail string
	// Language is the tag of the language that the user reads; empty if that is not known.
	Language string
}

// MailOptions are the settings of a Mail. Queue, App and Known are required.
type MailOptions struct {
	// Queue sends the messages.
	Queue interface {
		Post(message mail.Message, done func(error))
	}
	// App is the app's name in events, and Name what people know it by.
	App, Name string
	// Help is whom to ask, in the operator's words; HelpLink an address for that. They may be empty.
	Help, HelpLink string
	// Password is the path at which the app lets its users change their password; empty if that is not known.
	Password string
	// Language fixes the language of all messages. Default: the user's.
	Language string
	// Known looks up how a user can be reached.
	Known func(ctx context.Context, user string) (Contact, error)
	// Count is called for each notice. Default: nobody counts.
	Count Count
	// Logger gets what an operator should know. Default: messages are discarded.
	Logger *slog.Logger
}

const (
	// maxLookups is how many notices may wait for the look at a record at a time, and lookPatience how long each may.
	maxLookups   = 64
	lookPatience = 30 * time.Second
)

// Mail is a Sink that tells users of events by e-mail: at the address that the app names now, and at the one that the
// record has if that is another. Whoever has changed the address in the app is not the only one who is told.
type Mail struct {
	options MailOptions
	lookups chan struct{}
}

// NewMail makes a Mail.
func NewMail(options MailOptions) *Mail {
	if options.Count == nil {
		options.Count = func(string, string, string) {}
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	return &Mail{options: options, lookups: make(chan struct{}, maxLookups)}
}

// Emit implements event.Sink. It waits for nothing: the record is read, and the message written and sent, by others.
func (m *Mail) Emit(ctx context.Context, e event.Event) {
	if !Tells(e.Name) || e.User == "" {
		return
	}
	person := event.PersonOf(ctx)
	select {
	case m.lookups <- struct{}{}:
		go func() {
			defer func() { <-m.lookups }()
			m.tell(context.WithoutCancel(ctx), e, person)
		}()
	default:
		m.done(e, Lost, "too many notices at once", nil)
	}
}

// tell sends a notice to each address.
func (m *Mail) tell(ctx context.Context, e event.Event, person event.Person) {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	known, err := m.options.Known(ctx, e.User)
	// The language is that of the user's own sign-ins, where one is known: whoever has the password only, and brings
	// about what the user is told of, must not choose one that the user cannot read.
	language := known.Language
	if language == "" {
		language = person.Language
	}
	if m.options.Language != "" {
		language = m.options.Language
	}
	addresses := []string{person.Mail}
	if !person.Before && known.Mail != person.Mail {
		addresses = append(addresses, known.Mail)
	}
	addresses = slices.DeleteFunc(addresses, func(address string) bool { return !match.IsMailAddress(address) })
	if len(addresses) == 0 {
		if err != nil {
			m.done(e, Lost, "the user's record, which has the address, cannot be read", err)
		}
		return // nobody knows where to send it, and that is no failure: most apps name no address for some accounts
	}
	message, err := m.compose(locale.All()[locale.Best(language)], e, person.Browser)
	if err != nil {
		m.done(e, Lost, "the notice cannot be written", err)
		return
	}
	for _, address := range addresses {
		message.To = address
		m.options.Queue.Post(message, func(err error) {
			if err != nil {
				outcome := Failed
				if mail.IsLost(err) {
					outcome = Lost
				}
				m.done(e, outcome, "the notice was not sent", err)
				return
			}
			m.done(e, Sent, "", nil)
		})
	}
}

// done counts what became of a notice, and logs what an operator should know: neither the address nor the message.
func (m *Mail) done(e event.Event, outcome, why string, err error) {
	m.options.Count(m.options.App, "mail", outcome)
	if outcome == Sent {
		return
	}
	attributes := []any{"setting", "mail", "app", m.options.App, "event", string(e.Name), "user", e.User, "outcome", outcome}
	if err != nil {
		attributes = append(attributes, "error", err)
	}
	m.options.Logger.Warn("a user was not told of an event: "+why, attributes...)
}
