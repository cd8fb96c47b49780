package caddymodule

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"sallyport.example/sallyport/event"
	"sallyport.example/sallyport/notify"
)

// webhooks are those of all configurations, by app, address and secret: what waits for a receiver goes on waiting after
// a reload.
var webhooks = caddy.NewUsagePool()

// pooledWebhook keeps nothing of the configuration that made it.
type pooledWebhook struct{ *notify.Webhook }

// Destruct ends it once no configuration uses it any more.
func (p pooledWebhook) Destruct() error {
	p.Close()
	return nil
}

// webhookNotices takes over the previous configuration's webhook, or makes one. Cleanup releases it.
func (h *Handler) webhookNotices(way Notify) (event.Sink, error) {
	address, err := revealAddress(way.URL)
	if err == nil {
		err = notify.CheckWebhookURL(address)
	}
	if err != nil {
		return nil, at("notify webhook", err)
	}
	secret, err := revealLiteral("secret", way.Secret)
	if err == nil && secret == "" {
		err = errors.New("secret: it is empty")
	}
	if err != nil {
		return nil, at("notify webhook", err)
	}
	// A hash, because Caddy writes the keys of a pool into errors.
	hash := sha256.Sum256([]byte(h.App + "\x00" + address + "\x00" + secret))
	key := hex.EncodeToString(hash[:])
	value, _, err := webhooks.LoadOrNew(key, func() (caddy.Destructor, error) {
		return pooledWebhook{notify.NewWebhook(notify.WebhookOptions{
			URL: address, Secret: []byte(secret), App: h.App, Count: countNotice, Logger: forwardLog,
		})}, nil
	})
	if err != nil {
		return nil, at("notify webhook", err)
	}
	h.pooledWebhooks = append(h.pooledWebhooks, key)
	for _, outcome := range []string{notify.Sent, notify.Failed, notify.Lost} { // so that the first one is an increase
		noticesTotal.WithLabelValues(h.App, "webhook", outcome)
	}
	return value.(pooledWebhook), nil
}

// Cleanup releases what Provision took, and nothing else: Caddy also calls it after a failed Provision.
func (h *Handler) Cleanup() error {
	var errs []error
	for _, key := range h.pooledWebhooks {
		_, err := webhooks.Delete(key)
		errs = append(errs, err)
	}
	h.pooledWebhooks = nil
	return errors.Join(errs...)
}

// readWebhook reads `webhook <url> { secret <text> }`.
func readWebhook(d *caddyfile.Dispenser, way *Notify) error {
	if !d.NextArg() {
		return errors.New("want the address that notices are posted to: 'notify webhook <url> {'")
	}
	address := d.Val()
	if d.NextArg() {
		return errCount
	}
	if err := checkWebhook(address); err != nil {
		return err
	}
	way.URL = hideAddress(address)
	words := webhookWords()
	if _, err := words.read(d, way); err != nil {
		return err
	}
	if way.Secret == "" {
		return errors.New("want a block with a 'secret', by which the receiver knows that a notice is the gateway's")
	}
	return nil
}

// checkWebhook checks an address as far as it is known before placeholders are replaced.
func checkWebhook(address string) error {
	if strings.Contains(address, "{") {
		return nil
	}
	return notify.CheckWebhookURL(address)
}

// webhookWords are the words of `notify webhook`.
func webhookWords() table[Notify] {
	return table[Notify]{
		row("secret", "<text>", readSecret, func(n *Notify) *string { return &n.Secret }, nil),
	}
}

func readSecret(arguments []string, value *string) error {
	if len(arguments) != 1 || arguments[0] == "" {
		return errCount
	}
	*value = hideLiteral(arguments[0])
	return nil
}

// plainWebhooks are the receivers to which anybody on the way can read the notices.
func (h *Handler) plainWebhooks() (hosts []string) {
	for _, way := range h.Notify {
		address, err := revealAddress(way.URL)
		if err != nil || way.Kind != "webhook" {
			continue
		}
		if parsed, err := url.Parse(address); err == nil && parsed.Scheme == "http" && !isLoopback(parsed.Hostname()) {
			hosts = append(hosts, fmt.Sprintf("http://%s", parsed.Host))
		}
	}
	return hosts
}

var (
	_ caddy.CleanerUpper = (*Handler)(nil)
	_ event.Sink         = pooledWebhook{}
)
