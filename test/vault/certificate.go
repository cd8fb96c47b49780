package vault

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ClientCertificate enables auth/cert, makes a policy and a role that has it, and returns the role with the PEM files
// of a client certificate that signs in as that role. Settings are further fields of the role. It needs Options.TLS.
func (s *Server) ClientCertificate(policy string, settings ...map[string]any) (role, certificateFile, keyFile string) {
	s.t.Helper()
	if !strings.HasPrefix(s.Address, "https:") || s.proxied {
		s.t.Fatal("vault: a client certificate needs Options.TLS, and not Options.Shared")
	}
	s.enable("cert")
	role = unique("role")
	s.Policy(role, policy)
	certificate, key := s.selfSigned(role)
	s.write("auth/cert/certs/"+role, merged(map[string]any{
		"certificate": string(certificate), "allowed_common_names": role, "token_policies": role,
	}, settings))
	folder := s.t.TempDir()
	certificateFile, keyFile = filepath.Join(folder, "client.pem"), filepath.Join(folder, "client-key.pem")
	for name, content := range map[string][]byte{certificateFile: certificate, keyFile: key} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	return role, certificateFile, keyFile
}

// selfSigned makes a client certificate that is its own authority, in PEM.
func (s *Server) selfSigned(name string) (certificate, key []byte) {
	s.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		s.t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		s.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}
