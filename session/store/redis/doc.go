// Package redis keeps sessions in Redis 7 or later, or a server that speaks as it does, for several gateways that share
// them. Values are stored as they come: put package session/store/seal around the store.
//
// # Addresses
//
//	redis://user:password@host:6379/0
//	   one server; rediss:// with TLS, unix:///path?db=0 for a socket
//	redis+sentinel://host1:26379/0?addr=host2:26379&master_name=main
//	   a server that sentinels name; its own user and password go into username= and password=,
//	   the sentinels' before the @
//	redis+cluster://user:password@host1:6379?addr=host2:6379
//	   a cluster
//
// rediss+sentinel:// and rediss+cluster:// are with TLS; the certificates of all servers must have the name of the
// first one. Further parameters are those of go-redis, such as pool_size=20; those that would have it send a command
// twice, wait for longer or read from replicas have no effect.
//
// # How it is kept
//
// One key for each token, all under one hash tag: in a cluster the sessions are on one node. Each change is one script,
// which Redis runs on its own; a second run of the same change, as a driver makes it that lost the answer, does
// nothing. Every key has an end: that of the session, and for a tombstone 24 hours or what the session had left, if
// that is more. Lives are sent as lengths of time, so that the clocks of gateways and server need not agree.
//
// Beside them stand a set of tokens for each owner, and a sorted set of strangers' tokens. The scripts find the keys of
// the sessions in these by themselves: they have the same hash tag.
//
// # What can go wrong
//
// The server is away, hangs or refuses: every call fails within Timeout, and works again when the server does. It is
// full (maxmemory): strangers' sessions make room; beyond that new sessions and changes fail; reading goes on, and so
// does ending sessions. It may evict (any maxmemory-policy but noeviction): Ping fails with ErrEvicts; evicted sessions
// are gone, and their users have to sign in again. It was flushed: so it is with all of them.
//
// A server that has become a replica is not read from: reading is done by a command that only a master runs. With
// min-replicas-to-write, a master that was cut off from its replicas does not run it either.
//
// Redis copies to its replicas, and by default to the disk, after it has answered. A failover, or a crash, can so lose
// the last moments: sessions that were begun then are gone, and such as were ended then are alive again until they
// expire. Where that must not be, let the server write first (appendonly yes, appendfsync always), or keep sessions in
// PostgreSQL with a synchronous replica.
package redis
