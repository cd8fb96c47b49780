// Command devvault is a real HashiCorp Vault server for development and tests, in one process, with a listener that
// simulates faults.
//
// It contains Vault (licence: BUSL 1.1, see the README). It is for development and tests only; no part of it is in
// Sallyport, which needs only Vault's API client.
//
//	devvault [-storage memory|file:<folder>|raft:<folder>] [-listen address] [-control address]
//	         [-tls] [-standby] [-standby-listen address] [-init=false] [-stay] [-log level]
//
// It prints one line of JSON when it is ready: address, control, root_token, unseal_keys, ca_cert, standby_address,
// direct (the nodes past the faults). It ends on SIGTERM, on SIGINT, and when its standard input closes, so that it
// dies with the test that started it. With -stay it prints export lines for a shell instead and does not look at its
// input.
package main
