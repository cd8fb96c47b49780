package caddymodule

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sallyport.example/sallyport/explain"
	"sallyport.example/sallyport/factor"
	"sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/session"
	"sallyport.example/sallyport/session/store/seal"
)

// explainCommand is the command that says what a site would do with a request.
func explainCommand() command {
	return command{
		name: "explain", usage: "'METHOD URL'", short: "What a site does with a request, and which line of the Caddyfile says so",
		long: `Says what becomes of a request, and why: whether it goes on to the app, is a login, or leads to the login page or the
challenge; the line of the Caddyfile that decided; and which headers and cookies go on. Nothing is sent anywhere: the gateway
itself serves the request, without the app behind it and with a session in memory.

    sallyport explain --config Caddyfile 'GET https://wiki.example.com/admin'
    sallyport explain --state pending 'POST https://wiki.example.com/login' --form username=alice --form password=x

A GET is a page load of a browser, unless --header says otherwise. Handlers in front of second_factor that change the request
(rewrite, uri) are not run.`,
		set: func(made *cobra.Command) {
			configFlags(made)
			made.Flags().StringArray("form", nil, "a field of a form in the body, as name=value")
			made.Flags().StringArray("cookie", nil, "a cookie of the client, as name=value")
			made.Flags().StringArray("header", nil, "a header of the client, as 'Name: value'")
			made.Flags().String("state", "anonymous", "the state of the session: anonymous, pending, enrolling or verified")
			made.Flags().Bool("json", false, "print JSON")
			made.Args, made.RunE = cobra.ExactArgs(1), runExplain
		},
	}
}

func runExplain(command *cobra.Command, arguments []string) error {
	state, err := stateFlag(command)
	if err != nil {
		return err
	}
	r, err := describedRequest(command, arguments[0])
	if err != nil {
		return err
	}
	handler, local, err := handlerFor(command, r)
	if err != nil {
		return err
	}
	secrets, err := somebodysFactor(context.Background(), handler, state)
	if err != nil {
		return err
	}
	config, err := handler.build(&App{secrets: secrets, sessions: inMemory()})
	if err != nil {
		return err
	}
	config.Secure = func(r *http.Request) bool { return r.URL.Scheme == "https" }
	described := r.Header.Clone()
	found, err := explain.Explain(config, served(r, local), state)
	if err != nil {
		return err
	}
	found.Headers = found.Headers.Of(described)
	said := explainedBy(handler, found, state)
	if asJSON, err := command.Flags().GetBool("json"); err != nil {
		return err
	} else if asJSON {
		encoder := json.NewEncoder(command.OutOrStdout())
		encoder.SetEscapeHTML(false)
		return encoder.Encode(said)
	}
	return said.print(command.OutOrStdout())
}

// stateFlag reads --state.
func stateFlag(command *cobra.Command) (gate.State, error) {
	text, err := command.Flags().GetString("state")
	if err != nil {
		return 0, err
	}
	states := []gate.State{gate.Anonymous, gate.Pending, gate.Enrolling, gate.Verified}
	var known []string
	for _, state := range states {
		if state.String() == text {
			return state, nil
		}
		known = append(known, state.String())
	}
	return 0, fmt.Errorf("--state: %w", oneOf(text, known...))
}

// describedRequest makes the request that the arguments describe, without what a browser adds by itself.
func describedRequest(command *cobra.Command, text string) (*http.Request, error) {
	method, address, found := strings.Cut(strings.TrimSpace(text), " ")
	target, err := url.Parse(strings.TrimSpace(address))
	if !found || err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return nil, fmt.Errorf("%q: want a method and an address, as 'GET https://wiki.example.com/admin'", text)
	}
	fields, err := command.Flags().GetStringArray("form")
	if err != nil {
		return nil, err
	}
	var form []string
	for _, field := range fields {
		name, value, found := strings.Cut(field, "=")
		if !found {
			return nil, fmt.Errorf("--form %q: want name=value", name)
		}
		form = append(form, url.QueryEscape(name)+"="+url.QueryEscape(value))
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(strings.Join(form, "&"))
	}
	r, err := http.NewRequestWithContext(context.Background(), method, "http://"+target.Host+"/", body)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", text, err)
	}
	r.URL = target
	if r.URL.Path == "" {
		r.URL.Path = "/"
	}
	r.Host, r.RequestURI, r.RemoteAddr = target.Host, r.URL.RequestURI(), "127.0.0.1:1"
	return r, describedHeaders(command, r)
}

// describedHeaders adds the headers and cookies of the flags.
func describedHeaders(command *cobra.Command, r *http.Request) error {
	headers, err := command.Flags().GetStringArray("header")
	if err != nil {
		return err
	}
	for _, line := range headers {
		name, value, found := strings.Cut(line, ":")
		if !found || strings.TrimSpace(name) == "" {
			return fmt.Errorf("--header %q: want 'Name: value'", name)
		}
		r.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	cookies, err := command.Flags().GetStringArray("cookie")
	if err != nil {
		return err
	}
	for _, cookie := range cookies {
		if name, _, found := strings.Cut(cookie, "="); !found {
			return fmt.Errorf("--cookie %q: want name=value", name)
		}
	}
	if len(cookies) > 0 {
		r.Header.Add("Cookie", strings.Join(cookies, "; "))
	}
	return nil
}

// served returns the request as a server would get it: in origin form, and with the headers that a browser adds to a
// page load or to a form of the same site, unless the flags set them. local says that it comes from this machine.
func served(r *http.Request, local bool) *http.Request {
	if local {
		loopback := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, loopback))
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if r.ContentLength > 0 && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if r.Header.Get("Accept") == "" && r.Header.Get("Sec-Fetch-Mode") == "" {
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
	}
	if r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	return r
}

// nowhere is a Secrets in memory, for commands that only say what would happen.
type nowhere struct{ store factor.Store }

func (nowhere) Open() error            { return nil }
func (n nowhere) Store() factor.Store  { return n.store }
func (nowhere) SessionKeys() seal.Keys { return nil }
func (nowhere) Identity() string       { return "" }

// somebodysFactor returns Secrets in memory. In them explain.User has a factor if the state says that one is owed.
func somebodysFactor(ctx context.Context, h *Handler, state gate.State) (Secrets, error) {
	store := factor.NewMemoryStore()
	if state != gate.Pending {
		return nowhere{store}, nil
	}
	one, err := totp.NewFactor(make([]byte, 20), h.totp(), 0) // the known seed does no harm: it ends with the command
	if err != nil {
		return nil, err
	}
	one.ID, one.Created = "explained", time.Now()
	_, err = store.Put(ctx, factor.Key{App: h.App, User: explain.User}, factor.Record{User: explain.User, Factors: []factor.Factor{one}}, 0)
	return nowhere{store}, err
}

// inMemory returns Sessions in the memory of this process.
func inMemory() Sessions {
	memory := session.NewMemory(session.MemoryOptions{})
	return &SessionsMemory{pooled: &pooledMemory{memory: memory, shared: session.NewShared(memory)}}
}
