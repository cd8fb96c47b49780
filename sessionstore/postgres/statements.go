package postgres

// Conditions and values that several statements share. Lives are in seconds.
const (
	alive     = `value IS NOT NULL AND expires > now()`
	tombstone = `value = NULL, version = $2, expires = GREATEST(expires, now() + make_interval(secs => $3))`
	replaced  = `version = EXCLUDED.version, value = EXCLUDED.value, expires = EXCLUDED.expires`
)

// The statements. The first four parameters of those that store a session are its token, version, value and life.
const (
	findSQL = `SELECT version, value FROM sallyport_sessions WHERE token = $1 AND ` + alive
	listSQL = `SELECT token, value FROM sallyport_sessions WHERE ` + alive

	// commitSQL stores what is not dead.
	commitSQL = `INSERT INTO sallyport_sessions AS stored (token, version, value, expires)
		VALUES ($1, $2, $3, now() + make_interval(secs => $4))
		ON CONFLICT (token) DO UPDATE SET ` + replaced + ` WHERE stored.value IS NOT NULL OR stored.expires <= now()`

	// createSQL stores what is not known.
	createSQL = `INSERT INTO sallyport_sessions AS stored (token, version, value, expires)
		VALUES ($1, $2, $3, now() + make_interval(secs => $4))
		ON CONFLICT (token) DO UPDATE SET ` + replaced + ` WHERE stored.expires <= now()`

	// claimSQL takes a token, the version and the least life of its tombstone.
	claimSQL = `UPDATE sallyport_sessions SET ` + tombstone + ` WHERE token = $1 AND ` + alive

	// lockSQL begins a transaction that changes a session under a condition: nobody else changes it before the end.
	lockSQL = `SELECT version, ` + alive + ` FROM sallyport_sessions WHERE token = $1 FOR UPDATE`

	// swapSQL takes the expected version as its fifth parameter.
	swapSQL = `UPDATE sallyport_sessions SET version = $2, value = $3, expires = now() + make_interval(secs => $4)
		WHERE token = $1 AND version = $5 AND ` + alive

	// moveToSQL is createSQL on the condition that the token $5 has the version $6.
	moveToSQL = `INSERT INTO sallyport_sessions AS stored (token, version, value, expires)
		SELECT $1::bytea, $2::bytea, $3::bytea, now() + make_interval(secs => $4)
		FROM sallyport_sessions WHERE token = $5 AND version = $6 AND ` + alive + `
		ON CONFLICT (token) DO UPDATE SET ` + replaced + ` WHERE stored.expires <= now()`

	// moveFromSQL is claimSQL on the condition that $1 has the version $4, and that moveToSQL stored $5.
	moveFromSQL = `UPDATE sallyport_sessions SET ` + tombstone + ` WHERE token = $1 AND version = $4 AND ` + alive + `
		AND EXISTS (SELECT FROM sallyport_sessions AS fresh WHERE fresh.token = $5 AND fresh.version = $2)`

	// sweepSQL removes a batch of what has expired, but for what somebody else is just about to change.
	sweepSQL = `DELETE FROM sallyport_sessions WHERE token IN (
		SELECT token FROM sallyport_sessions WHERE expires <= now() ORDER BY expires LIMIT $1 FOR UPDATE SKIP LOCKED)`
)
