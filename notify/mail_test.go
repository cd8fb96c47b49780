package notify

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/locale"
	"sallyport.example/sallyport/mail"
)

// box is a queue that keeps what it gets, and answers with an error where it has one.
type box struct {
	mutex    sync.Mutex
	messages []mail.Message
	err      error
}

func (b *box) Post(message mail.Message, done func(error)) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.messages = append(b.messages, message)
	done(b.err)
}

func (b *box) to() (all []string) {
	for _, message := range b.messages {
		all = append(all, message.To)
	}
	return all
}

// told is what a Mail does about an event; change alters its settings.
func told(t *testing.T, e event.Event, person event.Person, change func(*MailOptions)) (sent *box, counts []string, logged string) {
	t.Helper()
	sent = new(box)
	var log strings.Builder
	synctest.Test(t, func(*testing.T) {
		options := MailOptions{
			Queue: sent, App: "wiki", Name: "Example Wiki",
			Known:  func(context.Context, string) (Contact, error) { return Contact{}, nil },
			Count:  func(app, kind, outcome string) { counts = append(counts, app+" "+kind+" "+outcome) },
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		}
		if change != nil {
			change(&options)
		}
		NewMail(options).Emit(event.WithPerson(context.Background(), person), e)
		synctest.Wait()
	})
	return sent, counts, log.String()
}

var (
	ada     = event.Person{Mail: "ada@example.com", Language: "en", Browser: "Firefox, Linux"}
	removed = event.Event{
		Name: event.FactorsDisabled, App: "wiki", User: "ada", Client: "192.0.2.7", At: time.Date(2026, 3, 9, 7, 5, 0, 0, time.UTC),
	}
)

// TestMailNotice: what a notice says, in both of its forms.
func TestMailNotice(t *testing.T) {
	t.Parallel()
	sent, counts, _ := told(t, removed, ada, func(o *MailOptions) {
		o.Help, o.HelpLink, o.Password = "Call the help desk, extension 100", "tel:+15550100", "/account/password"
	})
	if !slices.Equal(counts, []string{"wiki mail sent"}) || !slices.Equal(sent.to(), []string{"ada@example.com"}) {
		t.Fatalf("counts %q, to %q", counts, sent.to())
	}
	got := sent.messages[0]
	const want = `Two-factor authentication was disabled

From now on your password alone opens your account.

Account: ada (Example Wiki)
Time: 9 Mar 2026, 07:05 UTC
Browser: Firefox, Linux
Address: 192.0.2.7

If this was you, there is nothing to do.
If it was not you, change your password in Example Wiki at once, at /account/password, and sign out your other sessions.
Call the help desk, extension 100 (tel:+15550100)

Example Wiki sent this message automatically. It has no link to your account: open it as you always do.
`
	if got.Text != want {
		t.Errorf("text:\n%s", got.Text)
	}
	if got.Subject != "Two-factor authentication was disabled – Example Wiki" || got.Language != "en" {
		t.Errorf("subject %q, language %q", got.Subject, got.Language)
	}
	for _, part := range []string{
		`<html lang="en" dir="ltr">`, "<bdi>ada</bdi>", "<bdi>/account/password</bdi>", `<a href="tel:+15550100">Call the help desk, extension 100</a>`,
	} {
		if !strings.Contains(got.HTML, part) {
			t.Errorf("no %q in %s", part, got.HTML)
		}
	}
	if strings.Contains(got.HTML, "http") || strings.Contains(got.HTML, "<img") || strings.Contains(got.HTML, "<script") {
		t.Errorf("it leads somewhere, or loads something: %s", got.HTML)
	}
}

// TestEachNoticeInEachLanguage: every event that is told of can be told in every language, and says who, when, and what
// to do.
func TestEachNoticeInEachLanguage(t *testing.T) {
	t.Parallel()
	used := make(map[string]bool)
	for name := range events {
		for _, words := range locale.All() {
			e := removed
			e.Name, e.Left = name, new(3)
			for _, settings := range []MailOptions{{}, {Password: "/pw", Help: "Call 100"}} {
				settings.Name = "Example Wiki"
				message, err := NewMail(settings).compose(words, e, "Firefox, Linux")
				if err != nil {
					t.Errorf("%s in %s: %v", name, words.Language, err)
					continue
				}
				for _, part := range []string{"ada", "Example Wiki", "2026", settings.Password, settings.Help} {
					if !strings.Contains(message.Text, part) || !strings.Contains(message.HTML, part) {
						t.Errorf("%s in %s does not say %q:\n%s", name, words.Language, part, message.Text)
					}
				}
				for line := range strings.Lines(message.Text) {
					if strings.ContainsAny(line, "{}") {
						t.Errorf("%s in %s: %q", name, words.Language, line)
					}
				}
			}
		}
		e := event.Event{Name: name}
		used[titleOf(e)] = true
		for _, p := range NewMail(MailOptions{}).what(event.Event{Name: name, Left: new(1)}) {
			used[p.key] = true
		}
	}
	for key := range locale.All()[0].Keys() {
		if (strings.HasPrefix(key, "mail.title.") || strings.HasPrefix(key, "mail.what.")) && !used[key] {
			t.Errorf("message %q is never sent", key)
		}
	}
}

// TestAddresses: the address that the app names now is told, and the one of the record too if that is another: whoever
// has changed it in the app is not the only one who hears of it. One that was left is told alone.
func TestAddresses(t *testing.T) {
	t.Parallel()
	knows := func(address string) func(*MailOptions) {
		return func(o *MailOptions) {
			o.Known = func(context.Context, string) (Contact, error) { return Contact{Mail: address, Language: "de"}, nil }
		}
	}
	before := ada
	before.Before = true
	for name, test := range map[string]struct {
		person event.Person
		known  string
		want   []string
	}{
		"one":          {ada, "ada@example.com", []string{"ada@example.com"}},
		"two":          {ada, "old@example.com", []string{"ada@example.com", "old@example.com"}},
		"of record":    {event.Person{}, "old@example.com", []string{"old@example.com"}},
		"none":         {event.Person{}, "", nil},
		"not one":      {event.Person{Mail: "x\r\nBcc: eve@example.org"}, "", nil},
		"address left": {before, "new@example.com", []string{"ada@example.com"}},
	} {
		sent, counts, _ := told(t, removed, test.person, knows(test.known))
		if !slices.Equal(sent.to(), test.want) || len(counts) != len(test.want) {
			t.Errorf("%s: to %q, counted %q, want %q", name, sent.to(), counts, test.want)
		}
	}
	// Nobody who has only the password chooses the language in which the user is told of that.
	russian := ada
	russian.Language = "ja"
	if sent, _, _ := told(t, removed, russian, knows("ada@example.com")); sent.messages[0].Language != "de" {
		t.Errorf("told in %s", sent.messages[0].Language)
	}
}

// TestNotOfOthers: what is no concern of the user's is not told, and nobody is told of a login that was not accepted.
func TestNotOfOthers(t *testing.T) {
	t.Parallel()
	for _, name := range []event.Name{event.LoginAccepted, event.LoginFailed, event.ChallengeFailed, event.Throttled, event.SignedOut, event.StoreUnavailable} {
		e := removed
		e.Name = name
		if sent, counts, _ := told(t, e, ada, nil); len(sent.messages) != 0 || len(counts) != 0 {
			t.Errorf("%s: %d messages", name, len(sent.messages))
		}
	}
	e := removed
	e.User = ""
	if sent, _, _ := told(t, e, ada, nil); len(sent.messages) != 0 {
		t.Error("nobody is told of something")
	}
}

// TestP9_LossIsLogged: what does not arrive is counted and logged, without the address and the message.
func TestP9_LossIsLogged(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		change func(*MailOptions)
		want   string
	}{
		{func(o *MailOptions) { o.Queue.(*box).err = mail.ErrLost }, "lost"},
		{func(o *MailOptions) { o.Queue.(*box).err = &mail.SendError{Kind: mail.ErrRefused, Code: 550} }, "failed"},
	} {
		_, counts, logged := told(t, removed, ada, test.change)
		if !slices.Equal(counts, []string{"wiki mail " + test.want}) || !strings.Contains(logged, "outcome="+test.want) || !strings.Contains(logged, "setting=mail") {
			t.Errorf("counts %q, log %q", counts, logged)
		}
		if strings.Contains(logged, "ada@") || strings.Contains(logged, "opens your account") {
			t.Errorf("the log says too much: %s", logged)
		}
	}
	_, counts, logged := told(t, removed, event.Person{}, func(o *MailOptions) {
		o.Known = func(context.Context, string) (Contact, error) { return Contact{}, errors.New("sealed") }
	})
	if !slices.Equal(counts, []string{"wiki mail lost"}) || !strings.Contains(logged, "sealed") {
		t.Errorf("counts %q, log %q", counts, logged)
	}
}

// TestMailHoldsNobodyUp: a store that does not answer holds up no request, and takes a bounded number of notices.
func TestMailHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mutex sync.Mutex
		lost := 0
		m := NewMail(MailOptions{
			Queue: new(box), App: "wiki",
			Known: func(ctx context.Context, _ string) (Contact, error) {
				<-ctx.Done()
				return Contact{}, ctx.Err()
			},
			Count: func(string, string, string) {
				mutex.Lock()
				defer mutex.Unlock()
				lost++
			},
		})
		began := time.Now()
		for range 1000 {
			m.Emit(context.Background(), removed)
		}
		if took := time.Since(began); took != 0 || lost != 1000-maxLookups {
			t.Errorf("it took %s, and %d are lost", took, lost)
		}
		synctest.Wait()
		time.Sleep(lookPatience + time.Second) // the clock of the test
		synctest.Wait()
		if lost != 1000 {
			t.Errorf("%d are lost", lost)
		}
	})
}

// TestNothingTurnsTheWords: a name with characters that steer the direction of writing, or with markup, stays a name.
func TestNothingTurnsTheWords(t *testing.T) {
	t.Parallel()
	e := removed
	e.User = "ada\u202e\r\nBcc: x<script>"
	person := ada
	person.Browser = "<b>\u2066"
	sent, _, _ := told(t, e, person, nil)
	got := sent.messages[0]
	if strings.ContainsAny(got.Text, "\u202e\u2066\r") || strings.Contains(got.Text, "\nBcc") || strings.Contains(got.HTML, "<script") || strings.Contains(got.HTML, "<b>") {
		t.Errorf("%q\n%q", got.Text, got.HTML)
	}
}
