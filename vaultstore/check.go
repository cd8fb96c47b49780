package vaultstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"sallyport.example/sallyport/factor"
)

// checkFolder is the folder that Check writes to. No app's folder has this name.
const checkFolder = "~check"

// maxClockDifference is a difference that a code of 30 seconds with one step of skew tolerates.
const maxClockDifference = 10 * time.Second

// Finding is the result of one check.
type Finding struct {
	// What says what was checked.
	What string
	// Err is what is wrong; nil if nothing is.
	Err error
	// Advice tells an operator what to do if Err is set. Without Err it may say more about the result.
	Advice string
}

// Report is the result of Check, in the order of the checks. It leaves out what could not be checked.
type Report struct {
	Findings []Finding
	// Clock is how far this machine's clock is ahead of Vault's, to about a second.
	Clock time.Duration
}

// Err joins the errors of all findings; nil if there are none.
func (r Report) Err() error {
	var all []error
	for _, finding := range r.Findings {
		if finding.Err != nil {
			all = append(all, fmt.Errorf("%s: %w", finding.What, finding.Err))
		}
	}
	return errors.Join(all...)
}

// Check tests everything the gateway needs from Vault, with a document of its own that it deletes again.
func (s *Store) Check(ctx context.Context) Report {
	c := &checking{store: s, place: s.path + "/" + checkFolder + "/" + strings.ToLower(rand.Text())}
	c.run(ctx)
	return c.report
}

type checking struct {
	store  *Store
	place  string
	report Report
}

// found records a result and reports whether it was good.
func (c *checking) found(what string, err error, advice string) bool {
	if err == nil {
		advice = ""
	}
	c.report.Findings = append(c.report.Findings, Finding{What: what, Err: err, Advice: advice})
	return err == nil
}

func (c *checking) run(ctx context.Context) {
	if !c.health(ctx) || !c.token(ctx) {
		return
	}
	engine := c.store.engine
	if !c.found("the mount is KV version 2", engine.verifyMount(ctx),
		fmt.Sprintf("look at the setting `mount`; `vault secrets enable -path=%s -version=2 kv` makes one", engine.mount)) {
		return
	}
	c.documents(ctx)
	if c.store.transit != nil {
		c.sealing(ctx)
	}
}

// health checks what needs no token.
func (c *checking) health(ctx context.Context) bool {
	var health *api.HealthResponse
	engine := c.store.engine
	before := time.Now()
	err := func() error {
		ctx, cancel := context.WithTimeout(ctx, engine.timeout)
		defer cancel()
		client, err := engine.connection.anonymous()
		if err != nil {
			return err
		}
		health, err = client.Sys().HealthWithContext(ctx)
		return classify("asking for Vault's health", err)
	}()
	if !c.found("reachable", err, "look at the address, the CA certificate (`ca_cert`) and the network between the two") {
		return false
	}
	switch {
	case !health.Initialized:
		err = &CallError{doing: "asking for Vault's health", kind: ErrSealed, detail: "it is not initialised", cause: ErrSealed}
	case health.Sealed:
		err = &CallError{doing: "asking for Vault's health", kind: ErrSealed, cause: ErrSealed}
	}
	if !c.found("unsealed", err, "unseal it: `vault operator unseal`") {
		return false
	}
	if health.ServerTimeUTC != 0 {
		middle := before.Add(time.Since(before) / 2)
		c.report.Clock = middle.Sub(time.Unix(health.ServerTimeUTC, 0)).Truncate(time.Second)
		err = nil
		if c.report.Clock.Abs() > maxClockDifference {
			err = fmt.Errorf("this machine's clock differs from Vault's by %s", c.report.Clock)
		}
		c.found("the clocks agree", err, "codes depend on the time: have both machines keep it by NTP")
	}
	return true
}

// token signs in.
func (c *checking) token(ctx context.Context) bool {
	err := c.store.engine.call(ctx, "signing in to Vault", func(ctx context.Context, client *api.Client) error {
		_, err := client.Auth().Token().LookupSelfWithContext(ctx)
		return err
	})
	return c.found("signed in", err, "look at the setting `auth`: is the token, or what it is had with, still valid?")
}

// documents makes every kind of call that the store makes for records.
func (c *checking) documents(ctx context.Context) {
	engine := c.store.engine
	data, metadata := engine.data(c.store.path)+"/*", engine.metadata(c.store.path)+"/*"
	allow := func(where string, capabilities ...string) string {
		return fmt.Sprintf("the policy must allow %s on %q; `sallyport vault policy` prints all of it", strings.Join(capabilities, ", "), where)
	}
	content := map[string]any{"written_by": "sallyport vault-check; may be deleted"}
	_, err := engine.write(ctx, c.place, content, 0)
	if !c.found("may create", err, allow(data, "create")) {
		return
	}
	defer func() {
		err := engine.erase(ctx, c.place)
		if c.found("may delete", err, allow(metadata, "delete")) {
			_, err = engine.read(ctx, c.place)
			if err == nil || errors.Is(err, factor.ErrCorrupt) {
				c.found("deleted is gone", errors.New("a deleted document can still be read"), "is this really Vault's KV engine of version 2?")
			}
		}
	}()
	present, err := engine.read(ctx, c.place)
	c.found("may read", err, allow(data, "read"))
	if err == nil && present.expires {
		c.found("versions stay", errors.New("the mount deletes versions by itself after a time"),
			"set `delete_version_after` of the mount back to 0s, or users will be locked out when their record's time is up")
	}
	c.found("may write metadata", engine.describe(ctx, c.place, map[string]string{"purpose": "vault-check"}), allow(metadata, "update"))
	_, err = engine.write(ctx, c.place, content, 1)
	c.found("may update", err, allow(data, "update"))
	if _, err = engine.write(ctx, c.place, content, 1); !errors.Is(err, errNoCheckAndSet) {
		if err == nil {
			err = errors.New("a write at an old version was accepted")
		}
		c.found("check-and-set works", err, "is this really Vault's KV engine of version 2?")
	} else {
		c.found("check-and-set works", nil, "")
	}
	c.found("may destroy old versions", c.destroy(ctx), allow(engine.mount+"/destroy/"+c.store.path+"/*", "update")+"; "+allow(metadata, "read"))
	_, err = engine.list(ctx, c.store.path+"/"+checkFolder)
	c.found("may list", err, allow(metadata, "list"))
	_, err = engine.list(ctx, c.store.path)
	c.found("may list apps", err, allow(metadata, "list"))
}

// destroy destroys the first version. It may already be gone; only the permission is tested.
func (c *checking) destroy(ctx context.Context) error {
	if err := c.store.engine.purge(ctx, c.place, 2); err != nil {
		return err
	}
	return c.store.engine.destroy(ctx, c.place, []int64{1})
}

// sealing makes every kind of call that the store makes with the transit key.
func (c *checking) sealing(ctx context.Context) {
	transit := c.store.transit
	name := transit.mount + "/" + transit.key
	advice := func(what string) string {
		return fmt.Sprintf("`vault write -f %s/keys/%s` makes the key; the policy must allow %s", transit.mount, transit.key, what)
	}
	sealed, err := transit.seal(ctx, []byte("sallyport vault-check"), association("check"))
	if !c.found("may seal with "+name, err, advice(fmt.Sprintf("update on %q", transit.mount+"/encrypt/"+transit.key))) {
		return
	}
	_, err = transit.open(ctx, sealed, association("check"))
	c.found("may open with "+name, err, advice(fmt.Sprintf("update on %q", transit.mount+"/decrypt/"+transit.key)))
	if _, err = transit.open(ctx, sealed, association("other")); !errors.Is(err, factor.ErrCorrupt) {
		c.found("sealed for one is closed to others", errors.New("the transit key does not look at associated data"),
			"use a key of type aes256-gcm96 or chacha20-poly1305")
	}
	_, err = transit.latestVersion(ctx)
	c.found("may see the version of "+name, err, advice(fmt.Sprintf("read on %q", transit.mount+"/keys/"+transit.key)))
}

// anonymous returns a client without a token, for calls that need none.
func (c *Connection) anonymous() (*api.Client, error) {
	client, _, err := newBaseClient(c.address, c.namespace, c.tls, c.timeout)
	return client, err
}
