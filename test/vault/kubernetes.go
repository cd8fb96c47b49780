package vault

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Kubernetes is a service account of a simulated cluster: a role at auth/kubernetes, the token that a pod would find in
// a file, and the token review API that Vault calls.
type Kubernetes struct {
	// Role is the role to sign in with.
	Role string
	// TokenFile is the file with the service account's token, as Kubernetes projects it into a pod.
	TokenFile string

	t   testing.TB
	key *ecdsa.PrivateKey

	mutex sync.Mutex
	token string
}

// Names of the service account.
const (
	namespace = "apps"
	account   = "sallyport"
)

// Kubernetes enables auth/kubernetes with a cluster of its own, and makes a policy and a role that has it. Settings are
// further fields of the role. A server has one such cluster.
func (s *Server) Kubernetes(policy string, settings ...map[string]any) *Kubernetes {
	s.t.Helper()
	s.enable("kubernetes")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	k := &Kubernetes{Role: unique("role"), TokenFile: filepath.Join(s.t.TempDir(), "token"), t: s.t, key: key}
	k.Rotate()
	api := httptest.NewTLSServer(http.HandlerFunc(k.review))
	s.t.Cleanup(api.Close)
	s.Policy(k.Role, policy)
	s.write("auth/kubernetes/config", map[string]any{
		"kubernetes_host":      api.URL,
		"kubernetes_ca_cert":   string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw})),
		"disable_local_ca_jwt": true,
	})
	s.write("auth/kubernetes/role/"+k.Role, merged(map[string]any{
		"bound_service_account_names": account, "bound_service_account_namespaces": namespace, "token_policies": k.Role,
	}, settings))
	return k
}

// Rotate writes a new token to the file, as Kubernetes does every hour. The old one is refused from now on.
func (k *Kubernetes) Rotate() {
	k.t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	claims, err := json.Marshal(map[string]any{
		"iss": "https://kubernetes.default.svc.cluster.local",
		"sub": "system:serviceaccount:" + namespace + ":" + account,
		"iat": time.Now().Unix(),
		"exp": time.Now().Add(time.Hour).Unix(),
		"jti": rand.Text(),
		"kubernetes.io": map[string]any{
			"namespace":      namespace,
			"serviceaccount": map[string]any{"name": account, "uid": "0a1b2c3d"},
		},
	})
	if err != nil {
		k.t.Fatal(err)
	}
	signed := encode([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." + encode(claims)
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, k.key, digest[:])
	if err != nil {
		k.t.Fatal(err)
	}
	signature := make([]byte, 64) // RFC 7518 section 3.4: r and s, 32 bytes each
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	token := signed + "." + encode(signature)
	if err := os.WriteFile(k.TokenFile+".new", []byte(token), 0o600); err != nil {
		k.t.Fatal(err)
	}
	if err := os.Rename(k.TokenFile+".new", k.TokenFile); err != nil {
		k.t.Fatal(err)
	}
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.token = token
}

// review is the token review API. It accepts only the present token of the service account.
func (k *Kubernetes) review(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Spec struct {
			Token string `json:"token"`
		} `json:"spec"`
	}
	if r.URL.Path != "/apis/authentication.k8s.io/v1/tokenreviews" || json.NewDecoder(r.Body).Decode(&request) != nil {
		http.Error(w, "{}", http.StatusNotFound)
		return
	}
	k.mutex.Lock()
	known := request.Spec.Token == k.token
	k.mutex.Unlock()
	status := map[string]any{"authenticated": known}
	if known {
		status["user"] = map[string]any{"username": "system:serviceaccount:" + namespace + ":" + account, "uid": "0a1b2c3d"}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status,
	})
}
