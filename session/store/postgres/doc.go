// Package postgres keeps sessions in PostgreSQL 12 or later, for several gateways that share them. Values are stored as
// they are: put package session/store/seal around the store.
//
// # Addresses
//
// The same as for libpq: a URL such as
// postgres://user:password@host:5432/database?sslmode=verify-full&sslrootcert=/path/ca.pem, or words such as
// host=/run/postgresql dbname=sallyport. Several hosts with target_session_attrs=read-write find the one that is no
// standby. pool_max_conns=20 and the other words of pgxpool are accepted too.
//
// # How it is kept
//
// There is one table, sallyport_sessions, in the first schema of the search path. The store makes it at first use, and
// changes it when a new version of this package needs that, one gateway at a time. If the gateway may not do that, an
// operator does it with the statements of migrations.go; then SELECT, INSERT, UPDATE and DELETE are the only rights
// needed.
//
// Each change is one statement, or one round trip of several in one transaction, and relies on READ COMMITTED, the
// server's default; at another level of isolation conflicts are errors, and nothing worse. Expiry is judged by the
// server's clock, and lives are sent as durations, so that the clocks of gateways and server need not agree. Expired
// sessions are removed in batches, which do not block one another.
//
// # PgBouncer
//
// pgx prepares statements. Behind PgBouncer before 1.21, or with its max_prepared_statements at 0, and
// pool_mode=transaction, add default_query_exec_mode=exec to the address.
//
// # What can go wrong
//
// The server is away, hangs or refuses: every call fails within Timeout, and works again when the server does. Its disk
// is full: new sessions and changes fail, reading goes on. It is a standby: changes fail. The table was emptied: all
// sessions are gone; it was dropped: it is made anew, and the call that noticed fails.
//
// After a failover to a standby that is not synchronous the last moments are lost: sessions that were begun then are
// gone, and sessions that were ended then are alive again until they expire. A synchronous standby prevents that.
package postgres
