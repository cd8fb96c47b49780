package vault

import (
	"os"
	"os/exec"
	"testing"
)

// environment decides which Vault the tests get.
type environment struct {
	address, token, authorityFile string // of a Vault that runs already
	command                       string // vault, "" where it is not on the path
}

// fromEnvironment reads it.
func fromEnvironment() environment {
	command, err := exec.LookPath("vault")
	if err != nil {
		command = ""
	}
	return environment{
		address:       os.Getenv("VAULT_ADDR"),
		token:         os.Getenv("VAULT_TOKEN"),
		authorityFile: os.Getenv("VAULT_CACERT"),
		command:       command,
	}
}

// runner chooses.
func (e environment) runner(t testing.TB, options Options) runner {
	t.Helper()
	switch {
	case options.Shared && e.address != "" && e.token != "":
		return &elsewhere{environment: e, proxy: proxyBinary(t), folder: t.TempDir()}
	case e.command != "" && !options.Standby && !options.TLS && !options.Uninitialised:
		return &official{command: e.command, proxy: proxyBinary(t), folder: t.TempDir()}
	default:
		return &devvault{binary: Binary(t), folder: t.TempDir()}
	}
}

// proxyBinary returns the built faultproxy command.
func proxyBinary(t testing.TB) string {
	t.Helper()
	binary, err := buildProxy()
	if err != nil {
		t.Fatalf("build faultproxy: %v", err)
	}
	return binary
}

// elsewhere puts the faults in front of a Vault that runs already, which it does not stop or change.
type elsewhere struct {
	environment environment
	proxy       string
	folder      string
	process     *process
}

// start starts the proxy.
func (e *elsewhere) start(options Options, before ready, log *lockedBuffer) (ready, error) {
	process, line, err := launchProxy(e.proxy, e.environment.address, e.environment.authorityFile, e.folder, options, before, log)
	if err != nil {
		return line, err
	}
	e.process = process
	line.RootToken = e.environment.token
	return line, nil
}

// launchProxy starts the fault proxy in front of an address.
func launchProxy(
	binary, upstream, authorityFile, folder string, options Options, before ready, log *lockedBuffer,
) (*process, ready, error) {
	arguments := []string{"-listen", host(before.Address), "-upstream", upstream, "-folder", folder}
	if authorityFile != "" {
		arguments = append(arguments, "-upstream-ca", authorityFile)
	}
	if options.TLS {
		arguments = append(arguments, "-tls")
	}
	process, line, err := launch(binary, arguments, log)
	line.proxied, line.directCA = true, authorityFile
	return process, line, err
}

// stop ends the proxy.
func (e *elsewhere) stop() {
	if e.process != nil {
		e.process.stop()
		e.process = nil
	}
}

// kill only ends the proxy, because the server is shared.
func (e *elsewhere) kill() { e.stop() }
