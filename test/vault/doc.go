// Package vault runs a real HashiCorp Vault server for the end-to-end tests: devvault as a process of its own, with
// storage in memory, in a folder or in raft, with TLS, with a standby, and with faults on the way to it. A test may
// seal it, take it off the network, kill it and start it again.
//
// The server dies with the test that started it, also when the test process is killed.
package vault
