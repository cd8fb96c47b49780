package redis

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"strings"

	driver "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// By default the driver logs to standard error, not to the gateway's log. What matters of it is returned as errors.
func init() { driver.SetLogger(new(logging.VoidLogger)) }

// newClient makes the client that the address asks for, and a name for it without a password.
func newClient(address string, options Options) (driver.UniversalClient, string, error) {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return nil, "", ErrAddress
	}
	plain, kind, _ := strings.Cut(scheme, "+")
	address = plain + "://" + rest
	switch kind {
	case "":
		return newSingle(address, options)
	case "sentinel":
		return newSentinel(address, options)
	case "cluster":
		return newCluster(address, options)
	}
	return nil, "", ErrAddress
}

// Common to the three: the driver sends no command twice, connects in one attempt, takes no longer than Timeout in all,
// and gets no notifications about maintenance, because these would make it change its own timeouts.

func newSingle(address string, options Options) (driver.UniversalClient, string, error) {
	o, err := driver.ParseURL(address)
	if err != nil {
		return nil, "", ErrAddress // the driver's own error would show the address
	}
	o.MaxRetries, o.DialerRetries = -1, 1
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = options.Timeout, options.Timeout, options.Timeout, options.Timeout
	o.ContextTimeoutEnabled = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	o.TLSConfig = trust(o.TLSConfig, options.Roots)
	return driver.NewClient(o), fmt.Sprintf("%s/%d", o.Addr, o.DB), nil
}

func newSentinel(address string, options Options) (driver.UniversalClient, string, error) {
	o, err := driver.ParseFailoverURL(address)
	if err != nil {
		return nil, "", ErrAddress
	}
	if o.MasterName == "" {
		return nil, "", fmt.Errorf("%w: redis+sentinel wants master_name=", ErrAddress)
	}
	o.MaxRetries, o.DialerRetries = -1, 1
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = options.Timeout, options.Timeout, options.Timeout, options.Timeout
	o.ContextTimeoutEnabled = true
	o.RouteByLatency, o.RouteRandomly, o.ReplicaOnly, o.UseDisconnectedReplicas = false, false, false, false
	o.TLSConfig = trust(o.TLSConfig, options.Roots)
	return driver.NewFailoverClient(o), fmt.Sprintf("sentinels %s, %s/%d", strings.Join(o.SentinelAddrs, " "), o.MasterName, o.DB), nil
}

func newCluster(address string, options Options) (driver.UniversalClient, string, error) {
	o, err := driver.ParseClusterURL(address)
	if err != nil {
		return nil, "", ErrAddress
	}
	o.MaxRetries, o.DialerRetries = -1, 1
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = options.Timeout, options.Timeout, options.Timeout, options.Timeout
	o.ContextTimeoutEnabled = true
	o.ReadOnly, o.RouteByLatency, o.RouteRandomly = false, false, false
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	o.TLSConfig = trust(o.TLSConfig, options.Roots)
	return driver.NewClusterClient(o), "cluster " + strings.Join(o.Addrs, " "), nil
}

// trust sets our own authorities if TLS is used.
func trust(config *tls.Config, roots *x509.CertPool) *tls.Config {
	if config != nil {
		config.RootCAs = roots
	}
	return config
}
