// Package redis keeps sessions in Redis 7 or later, or a compatible server, for several gateways that share them.
// Values are stored as they are: put package session/store/seal around the store.
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
// rediss+sentinel:// and rediss+cluster:// use TLS; the certificates of all servers must have the name of the first
// one. Further parameters are those of go-redis, such as pool_size=20. Parameters that would make it send a command
// twice, wait for longer or read from replicas have no effect.
//
// # How it is kept
//
// There is one key for each token, all under one hash tag, so that in a cluster all sessions are on one node. Each
// change is one script, which Redis runs atomically. A second run of the same change, as by a driver that lost the
// answer, does nothing. Every key expires: with the session, and a tombstone after 24 hours or the rest of the
// session's life if that is longer. Lives are sent as durations, so that the clocks of gateways and server need not
// agree.
//
// In addition there is a set of tokens for each owner, and a sorted set of strangers' tokens. The scripts compute the
// keys of the sessions in these by themselves: they have the same hash tag.
//
// # What can go wrong
//
// The server is away, hangs or refuses: every call fails within Timeout, and works again when the server does. It is
// full (maxmemory): strangers' sessions make room; beyond that new sessions and changes fail, while reading and ending
// sessions go on. It may evict (any maxmemory-policy except noeviction): Ping fails with ErrEvicts; evicted sessions
// are gone, and their users have to sign in again. It was flushed: the same is true of all sessions.
//
// A server that has become a replica is not read from: reading uses a command that only a master runs. With
// min-replicas-to-write, a master that was cut off from its replicas does not run it either.
//
// Redis copies to its replicas, and by default to the disk, after it has answered. So a failover or a crash can lose
// the last moments: sessions that were begun then are gone, and sessions that were ended then are alive again until
// they expire. If that must not happen, let the server write first (appendonly yes, appendfsync always), or keep
// sessions in PostgreSQL with a synchronous replica.
package redis
