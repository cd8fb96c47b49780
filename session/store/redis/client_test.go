package redis

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport.example/sallyport/session/storetest"
	"sallyport.example/sallyport/test/process"
	"sallyport.example/sallyport/test/servers"
)

// TestAddresses: each form is understood, and named without its password.
func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"redis://127.0.0.1":                              "redis(127.0.0.1:6379/0)",
		"redis://user:hidden@redis.internal:6380/3":      "redis(redis.internal:6380/3)",
		"rediss://:hidden@redis.internal":                "redis(redis.internal:6379/0)",
		"unix:///run/redis.sock?db=2":                    "redis(/run/redis.sock/2)",
		"redis+cluster://:hidden@a:1?addr=b:2&addr=c:3":  "redis(cluster a:1 b:2 c:3)",
		"rediss+cluster://:hidden@a:1":                   "redis(cluster a:1)",
		"redis+sentinel://:hidden@a:1/4?master_name=m":   "redis(sentinels a:1, m/4)",
		"rediss+sentinel://a:1?master_name=m&addr=b:2":   "redis(sentinels a:1 b:2, m/0)",
		"redis://127.0.0.1?pool_size=5&max_retries=3":    "redis(127.0.0.1:6379/0)",
		"redis+cluster://a:1?route_randomly=true":        "redis(cluster a:1)",
		"redis+sentinel://a:1?master_name=m&password=hi": "redis(sentinels a:1, m/0)",
	} {
		store := newStore(t, address, Options{})
		if store.String() != want {
			t.Errorf("%s: %s", address, store)
		}
	}
}

// TestP9_BadAddresses: a bad address is an error that shows nothing of it.
func TestP9_BadAddresses(t *testing.T) {
	for _, address := range []string{
		"", "127.0.0.1:6379", "http://:hidden@a", "redis+ring://:hidden@a", "redis://:hidden/x@a:1", "redis://:hidden@a:port", "redis://:hidden%zz@a",
		"redis://a/hidden", "redis://a?hidden=1", "redis+sentinel://:hidden@a:1", "redis+cluster://:hidden@a:1?addr=hidden",
		"redis+sentinel://a?master_name=m&addr=hidden",
	} {
		_, err := New(address, Options{})
		if !errors.Is(err, ErrAddress) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestTLS: with rediss:// only servers with a certificate of the given authorities are trusted.
func TestTLS(t *testing.T) {
	certificate, key := selfSigned(t)
	address, err := process.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	server := servers.StartRedis(t, "--tls-port", port, "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no")
	url := strings.Replace(server.URL(address), "redis://", "rediss://", 1)
	text, err := os.ReadFile(certificate)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	trusting := newStore(t, url, Options{Roots: roots})
	token := storetest.MustCommit(t, trusting, "one")
	if err := storetest.Finds(trusting, token, "one"); err != nil {
		t.Error(err)
	}
	storetest.WantRefused(t, newStore(t, url, Options{}), token, servers.Password)
	storetest.WantRefused(t, newStore(t, url, Options{Roots: x509.NewCertPool()}), token, servers.Password)
}

// selfSigned writes a certificate for loopback, and its key, into files.
func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	certificate, key = filepath.Join(folder, "certificate.pem"), filepath.Join(folder, "key.pem")
	for file, block := range map[string]*pem.Block{
		certificate: {Type: "CERTIFICATE", Bytes: signed}, key: {Type: "PRIVATE KEY", Bytes: encoded},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}
