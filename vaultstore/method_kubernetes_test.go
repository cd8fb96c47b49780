package vaultstore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"sallyport.example/sallyport/test/vault"
)

// serviceAccountToken is a token in the form that Kubernetes makes. Only Kubernetes would check its signature.
func serviceAccountToken(t *testing.T, id string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := encode(map[string]string{"alg": "ES256", "kid": "one"}) + "." + encode(map[string]any{
		"iss": "https://kubernetes.default.svc", "sub": "system:serviceaccount:gateways:sallyport", "aud": []string{"vault"},
		"iat": time.Now().Add(-time.Minute).Unix(), "nbf": time.Now().Add(-time.Minute).Unix(), "exp": time.Now().Add(time.Hour).Unix(), "jti": id,
		"kubernetes.io": map[string]any{"namespace": "gateways", "serviceaccount": map[string]string{"name": "sallyport", "uid": "the-uid"}},
	})
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// TestKubernetes: Vault and its auth method are real. Kubernetes is replaced by a server that accepts one token in the
// API that Vault calls (TokenReview, authentication.k8s.io/v1). The file is read at each login.
func TestKubernetes(t *testing.T) {
	noEnvironment(t)
	var known atomic.Pointer[string]
	kubernetes := double(t, func(w http.ResponseWriter, r *http.Request) {
		var review struct {
			Spec struct {
				Token string `json:"token"`
			} `json:"spec"`
		}
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil || r.URL.Path != "/apis/authentication.k8s.io/v1/tokenreviews" {
			http.Error(w, "not a review", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{
			"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
			"status": map[string]any{
				"authenticated": review.Spec.Token == *known.Load(), "audiences": []string{"vault"},
				"user": map[string]any{
					"username": "system:serviceaccount:gateways:sallyport", "uid": "the-uid",
					"groups": []string{"system:serviceaccounts", "system:serviceaccounts:gateways"},
				},
			},
		})
	})
	kubernetes.Start()
	server := vault.Start(t, vault.Options{})
	server.Policy("app", appPolicy)
	logical := server.Client().Logical()
	for path, data := range map[string]map[string]any{
		"sys/auth/kubernetes": {"type": "kubernetes"}, "sys/auth/other": {"type": "kubernetes"},
	} {
		if _, err := logical.Write(path, data); err != nil {
			t.Fatal(err)
		}
	}
	for _, mount := range []string{"kubernetes", "other"} {
		for path, data := range map[string]map[string]any{
			"/config": {"kubernetes_host": kubernetes.URL, "disable_local_ca_jwt": true, "token_reviewer_jwt": serviceAccountToken(t, "reviewer")},
			"/role/gateway": {
				"bound_service_account_names": "sallyport", "bound_service_account_namespaces": "gateways", "audience": "vault",
				"token_policies": "app",
			},
		} {
			if _, err := logical.Write("auth/"+mount+path, data); err != nil {
				t.Fatal(err)
			}
		}
	}
	first, second := serviceAccountToken(t, "first"), serviceAccountToken(t, "second")
	known.Store(&first)
	file := write(t, filepath.Join(t.TempDir(), "token"), first)
	log := &journal{}
	c := connect(t, ConnectionSettings{
		Address: server.Address, Method: Kubernetes("gateway", ServiceAccountTokenFile(file)), Logger: log.logger(),
	})
	mustRead(t, c)
	mustRead(t, connect(t, ConnectionSettings{
		Address: server.Address, Method: Kubernetes("gateway", ServiceAccountTokenFile(file), Mount("other")),
	}))

	// Kubernetes replaces the token. The old one is refused, and the new one used within two seconds.
	known.Store(&second)
	before := token(t, c)
	server.Revoke(before)
	if err := read(t.Context(), c); status(err) != http.StatusForbidden {
		t.Fatalf("with the old token: %v", err)
	}
	write(t, file, second+"\n")
	recovers(t, c)
	log.quiet(t, first, second, before, token(t, c))
}
