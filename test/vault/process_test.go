package vault

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// childVariable makes this test binary start a Vault and wait until it is killed.
const childVariable = "SALLYPORT_VAULT_CHILD"

func TestMain(m *testing.M) {
	if binary := os.Getenv(childVariable); binary != "" {
		_, line, err := launch(binary, nil, &lockedBuffer{})
		fmt.Println(line.Direct, err)
		select {} // until it is killed
	}
	os.Exit(m.Run())
}

// A test process that is killed runs no t.Cleanup; its Vault ends all the same.
func TestDiesWithTheTest(t *testing.T) {
	t.Parallel()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+Binary(t))
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	address, _, _ := strings.Cut(strings.TrimPrefix(line, "["), "]")
	if err != nil || !asks(t, address) {
		t.Errorf("not running: %q, %v", line, err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	deadline := time.Now().Add(30 * time.Second)
	for asks(t, address) {
		if time.Now().After(deadline) {
			t.Fatal("it lives on")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// asks reports whether something answers at the address.
func asks(t *testing.T, address string) bool {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address+"/v1/sys/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err == nil {
		_ = response.Body.Close()
	}
	return !errors.Is(err, syscall.ECONNREFUSED)
}
