package front

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// trusting returns a client that trusts the authority in a file, with connections of its own.
func trusting(t *testing.T, file string) *http.Client {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		t.Fatalf("%s has no certificate", file)
	}
	client := newClient(t)
	client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool}
	return client
}

func open(t *testing.T, folder string) *Authority {
	t.Helper()
	authority, err := OpenAuthority(folder)
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

// trusted reports whether a client that trusts the authority in the file accepts the server.
func trusted(t *testing.T, file, address string) bool {
	t.Helper()
	_, err := get(t, trusting(t, file), address)
	var unknown x509.UnknownAuthorityError
	if err != nil && !errors.As(err, &unknown) {
		t.Fatal(err)
	}
	return err == nil
}

func TestAuthority(t *testing.T) {
	authority := open(t, t.TempDir())
	l := listen(t, authority, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Protocol", r.Proto)
	}))
	first := authority.File()
	if !trusted(t, first, l.URL()) || !trusted(t, first, strings.Replace(l.URL(), "127.0.0.1", "localhost", 1)) {
		t.Fatal("not trusted")
	}

	if err := authority.Replace(Replacement{SameAuthority: true}); err != nil {
		t.Fatal(err)
	}
	if authority.File() != first || !trusted(t, first, l.URL()) {
		t.Error("renewed: not trusted")
	}

	if err := authority.Replace(Replacement{}); err != nil {
		t.Fatal(err)
	}
	second := authority.File()
	if second == first || trusted(t, first, l.URL()) || !trusted(t, second, l.URL()) {
		t.Errorf("new authority in %s: the old one is trusted: %t, the new one: %t", second, trusted(t, first, l.URL()), trusted(t, second, l.URL()))
	}

	if err := authority.Replace(Replacement{Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	if authority.File() != second || !trusted(t, second, l.URL()) {
		t.Error("overwritten: not trusted")
	}
}

// After a restart with the same folder clients still trust the server, whatever happened in between.
func TestAuthorityKept(t *testing.T) {
	folder := t.TempDir()
	first := open(t, folder)
	if err := first.Replace(Replacement{}); err != nil {
		t.Fatal(err)
	}
	second := open(t, folder)
	l := listen(t, second, hello)
	if !trusted(t, filepath.Join(folder, certificateFile), l.URL()) {
		t.Error("not trusted after a restart")
	}
	if err := second.Replace(Replacement{Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	third := listen(t, open(t, folder), hello)
	if !trusted(t, second.File(), third.URL()) {
		t.Error("not trusted after a restart with a new authority")
	}

	info, err := os.Stat(filepath.Join(folder, keyFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode: %v, %v", info, err)
	}
	if err := os.WriteFile(filepath.Join(folder, keyFile), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenAuthority(folder); err == nil {
		t.Error("a damaged key was accepted")
	}
}

func TestAuthorityInNoFolder(t *testing.T) {
	authority, forget, err := OpenAuthorityIn("")
	if err != nil {
		t.Fatal(err)
	}
	forget()
	if _, err := os.Stat(authority.File()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left behind: %v", err)
	}
	if authority := (*Authority)(nil); authority.File() != "" || authority.TLS() != nil {
		t.Error("plain HTTP has a certificate")
	}
}
