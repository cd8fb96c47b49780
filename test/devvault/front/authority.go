package front

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Names of the files in the authority's folder.
const (
	certificateFile = "ca.pem"
	keyFile         = "ca-key.pem"
)

// Authority is a certificate authority with one certificate for the loopback addresses. A nil Authority means plain
// HTTP. Its methods may be called concurrently.
type Authority struct {
	folder string

	mutex       sync.Mutex
	file        string // PEM of the authority's certificate
	generation  int
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	server      *tls.Certificate
}

// OpenAuthority loads the authority in the folder, or makes one and stores it there with its key (0600), so that
// clients still trust the server after a restart.
func OpenAuthority(folder string) (*Authority, error) {
	a := &Authority{folder: folder, file: filepath.Join(folder, certificateFile)}
	err := a.load()
	if errors.Is(err, fs.ErrNotExist) {
		err = a.create(a.file)
	}
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	if err := a.issue(); err != nil {
		return nil, err
	}
	return a, nil
}

// OpenAuthorityIn is like OpenAuthority; without a folder it uses a temporary one, which forget removes.
func OpenAuthorityIn(folder string) (authority *Authority, forget func(), err error) {
	if folder != "" {
		authority, err = OpenAuthority(folder)
		return authority, func() {}, err
	}
	folder, err = os.MkdirTemp("", "devvault-")
	if err != nil {
		return nil, nil, err
	}
	forget = func() { _ = os.RemoveAll(folder) }
	if authority, err = OpenAuthority(folder); err != nil {
		forget()
		return nil, nil, err
	}
	return authority, forget, nil
}

// File returns the PEM file with the certificate that clients have to trust now; "" for plain HTTP.
func (a *Authority) File() string {
	if a == nil {
		return ""
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.file
}

// TLS returns the server's configuration: at least TLS 1.2, and client certificates are requested but not checked,
// which is Vault's task. For plain HTTP it is nil.
func (a *Authority) TLS() *tls.Config {
	if a == nil {
		return nil
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		ClientAuth: tls.RequestClientCert,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			a.mutex.Lock()
			defer a.mutex.Unlock()
			return a.server, nil
		},
	}
}

// Replacement says how a new certificate is made.
type Replacement struct {
	// SameAuthority renews only the server's certificate, so that clients still trust it.
	SameAuthority bool `json:"same_authority,omitempty"`
	// Overwrite writes the new authority to the present file, so that clients that read it again trust it. Otherwise
	// the new authority gets a file of its own, and the present file keeps the old one, to which a restart goes back.
	Overwrite bool `json:"overwrite,omitempty"`
}

// Replace makes a new certificate, by default of a new authority, for new connections. Open ones are not cut.
func (a *Authority) Replace(how Replacement) error {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	if how.SameAuthority {
		return a.issue()
	}
	file := a.file
	if !how.Overwrite {
		a.generation++
		file = filepath.Join(a.folder, fmt.Sprintf("ca-%d-%d.pem", time.Now().Unix(), a.generation))
	}
	if err := a.create(file); err != nil {
		return fmt.Errorf("certificate authority: %w", err)
	}
	return a.issue()
}

// create makes an authority and stores it.
func (a *Authority) create(file string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber:          serial(),
		Subject:               pkix.Name{CommonName: "devvault CA"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().AddDate(1, 0, 0),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(a.folder, 0o700); err != nil {
		return err
	}
	if file == filepath.Join(a.folder, certificateFile) {
		keyPEM := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
		if err := writeFile(filepath.Join(a.folder, keyFile), keyPEM, 0o600); err != nil {
			return err
		}
	}
	if err := writeFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
		return err
	}
	a.file, a.certificate, a.key = file, certificate, key
	return nil
}

// load reads what create has stored under the first name.
func (a *Authority) load() error {
	certificatePEM, err := os.ReadFile(a.file)
	if err != nil {
		return err
	}
	keyPEM, err := os.ReadFile(filepath.Join(a.folder, keyFile))
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(certificatePEM, keyPEM)
	if err != nil {
		return err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return errors.New("the key is not ECDSA")
	}
	if a.certificate, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
		return err
	}
	a.key = key
	return nil
}

// issue makes the server's certificate.
func (a *Authority) issue() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: "devvault"},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().AddDate(0, 6, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return fmt.Errorf("server certificate: %w", err)
	}
	a.server = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return nil
}

// writeFile replaces a file atomically: a reader sees the old content or the new one.
func writeFile(name string, content []byte, mode fs.FileMode) error {
	temporary := name + ".new"
	if err := os.WriteFile(temporary, content, mode); err != nil {
		return err
	}
	return os.Rename(temporary, name)
}

// serial returns a random serial number of 120 bits.
func serial() *big.Int {
	bytes := make([]byte, 15)
	_, _ = rand.Read(bytes) // never fails since Go 1.24
	return new(big.Int).SetBytes(bytes)
}
