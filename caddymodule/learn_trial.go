package caddymodule

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/pquerna/otp/totp"

	"sallyport.example/sallyport/factor"
	own "sallyport.example/sallyport/factor/totp"
	"sallyport.example/sallyport/gate"
	"sallyport.example/sallyport/gateway"
	"sallyport.example/sallyport/learn"
	"sallyport.example/sallyport/learn/trial"
	"sallyport.example/sallyport/learn/watch"
)

// tryProposal runs the proposed block in a gateway of this process, in front of the app, and tries it. The gateway has
// its stores in memory; the Caddyfile's own parser reads the block.
func tryProposal(ctx context.Context, proposal *learn.Proposal, app *url.URL) ([]trial.Result, error) {
	handler, err := proposedHandler(proposal)
	if err != nil {
		return nil, err
	}
	seed := make([]byte, 20) // it ends with the command, and nobody else can use the gateway
	config, err := handler.build(&App{secrets: nowhere{everybody{factor.NewMemoryStore(), seed}}, sessions: inMemory()})
	if err != nil {
		return nil, err
	}
	config.PrepareProbe = func(probe, _ *http.Request, _ http.ResponseWriter) *http.Request {
		return probe.WithContext(context.WithValue(probe.Context(), askedByGateway{}, true))
	}
	running, err := gateway.New(config)
	if err != nil {
		return nil, fmt.Errorf("second_factor: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the trial's gateway: %w", err)
	}
	var reached atomic.Int64
	behind := watch.New(app, nil)
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, ErrorLog: nothingLogged(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := running.ServeHTTP(w, r, func(w http.ResponseWriter, r *http.Request) error {
			if r.Context().Value(askedByGateway{}) == nil {
				reached.Add(1)
			}
			behind.ServeHTTP(w, r)
			return nil
		})
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
		}
	})}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	results, err := trial.Run(ctx, proposal, app, trial.Gate{
		Address: listener.Addr().String(), Reached: func() int { return int(reached.Load()) },
		Opens: func(path string) bool {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listener.Addr().String()+path, http.NoBody)
			if err != nil {
				return false
			}
			place := running.Read(r, gate.Anonymous, nil).Place
			return place == gate.Public || place == gate.Entry
		},
		Code: func() (string, error) {
			return totp.GenerateCode(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed), time.Now())
		},
	})
	closed := server.Close()
	if ended := <-stopped; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return results, errors.Join(err, closed)
}

// askedByGateway marks a question of the trial's gateway.
type askedByGateway struct{}

// proposedHandler reads the proposed block as the Caddyfile would.
func proposedHandler(proposal *learn.Proposal) (*Handler, error) {
	words, err := proposal.Block()
	if err != nil {
		return nil, fmt.Errorf("the proposal: %w", err)
	}
	tokens, err := caddyfile.Tokenize([]byte("second_factor {\n"+words+"}\n"), "proposal")
	if err != nil {
		return nil, fmt.Errorf("the proposal: %w", err)
	}
	handler := new(Handler)
	if err := handler.read(caddyfile.NewDispenser(tokens), make(places)); err != nil {
		return nil, fmt.Errorf("the proposal: %w", err)
	}
	handler.App = "learn"
	return handler, nil
}

// everybody is a store in which each user has a factor with one seed, from the first question on.
type everybody struct {
	factor.Store
	seed []byte
}

// Get reads a user's record, and makes it if there is none.
func (e everybody) Get(ctx context.Context, key factor.Key) (factor.Record, factor.Version, error) {
	record, version, err := e.Store.Get(ctx, key)
	if !errors.Is(err, factor.ErrNotFound) {
		return record, version, err
	}
	one, err := own.NewFactor(e.seed, own.DefaultParameters(), 0)
	if err != nil {
		return record, version, err
	}
	one.ID, one.Created = "trial", time.Now()
	if _, err := e.Put(ctx, key, factor.Record{User: key.User, Factors: []factor.Factor{one}}, 0); err != nil && !errors.Is(err, factor.ErrConflict) {
		return record, version, err
	}
	return e.Store.Get(ctx, key)
}
