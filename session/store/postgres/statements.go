package postgres

// Conditions and values that several statements share. Lives are in seconds.
const (
	alive     = `value IS NOT NULL AND expires > now()`
	tombstone = `value = NULL, owner = NULL, version = $2, expires = GREATEST(expires, now() + make_interval(secs => $3))`
	replaced  = `version = EXCLUDED.version, value = EXCLUDED.value, expires = EXCLUDED.expires, owner = EXCLUDED.owner,
		began = CASE WHEN EXCLUDED.began IS NOT NULL THEN COALESCE(stored.began, EXCLUDED.began) END`
	unlabelled = `owner IS NULL AND began IS NULL`

	columns = `(token, version, value, expires, owner, began)`
	values  = `$1::bytea, $2::bytea, $3::bytea, now() + make_interval(secs => $4), $5::bytea,
		CASE WHEN $6::boolean THEN clock_timestamp() END`
)

// The statements. The first four parameters of those that store a session are its token, version, value and life, its
// owner, and whether it is a stranger's.
const (
	findSQL = `SELECT version, value FROM sallyport_sessions WHERE token = $1 AND ` + alive
	listSQL = `SELECT token, value FROM sallyport_sessions WHERE ` + alive
	// ownedSQL takes a list of owners.
	ownedSQL      = listSQL + ` AND owner = ANY($1)`
	unlabelledSQL = listSQL + ` AND ` + unlabelled

	// commitSQL stores a session whose token has no unexpired tombstone.
	commitSQL = `INSERT INTO sallyport_sessions AS stored ` + columns + `
		VALUES (` + values + `)
		ON CONFLICT (token) DO UPDATE SET ` + replaced + ` WHERE stored.value IS NOT NULL OR stored.expires <= now()`

	// createSQL stores a session whose token is unknown.
	createSQL = `INSERT INTO sallyport_sessions AS stored ` + columns + `
		VALUES (` + values + `)
		ON CONFLICT (token) DO UPDATE SET ` + replaced + ` WHERE stored.expires <= now()`

	// claimSQL takes a token, the version and the least life of its tombstone.
	claimSQL = `UPDATE sallyport_sessions SET ` + tombstone + ` WHERE token = $1 AND ` + alive

	// lockSQL begins a transaction that changes a session under a condition: nobody else can change it before the end.
	lockSQL = `SELECT version, ` + alive + ` FROM sallyport_sessions WHERE token = $1 FOR UPDATE`

	// swapSQL takes the expected version as its seventh parameter.
	swapSQL = `UPDATE sallyport_sessions SET version = $2, value = $3, expires = now() + make_interval(secs => $4), owner = $5::bytea,
			began = CASE WHEN $6::boolean THEN COALESCE(began, clock_timestamp()) END
		WHERE token = $1 AND version = $7 AND ` + alive

	// moveToSQL is createSQL under the condition that the token $7 has the version $8.
	moveToSQL = `INSERT INTO sallyport_sessions AS stored ` + columns + `
		SELECT ` + values + `
		FROM sallyport_sessions WHERE token = $7 AND version = $8 AND ` + alive + `
		ON CONFLICT (token) DO UPDATE SET ` + replaced + ` WHERE stored.expires <= now()`

	// moveFromSQL is claimSQL under the condition that $1 has the version $4, and that moveToSQL stored $5.
	moveFromSQL = `UPDATE sallyport_sessions SET ` + tombstone + ` WHERE token = $1 AND version = $4 AND ` + alive + `
		AND EXISTS (SELECT FROM sallyport_sessions AS fresh WHERE fresh.token = $5 AND fresh.version = $2)`

	// sweepSQL removes a batch of expired entries, except those that another transaction is changing.
	sweepSQL = `DELETE FROM sallyport_sessions WHERE token IN (
		SELECT token FROM sallyport_sessions WHERE expires <= now() ORDER BY expires LIMIT $1 FOR UPDATE SKIP LOCKED)`

	// trimSQL removes a batch of the oldest strangers' entries, but keeps the number that may stay.
	trimSQL = `DELETE FROM sallyport_sessions WHERE token IN (
		SELECT token FROM sallyport_sessions WHERE began <= (
			SELECT began FROM sallyport_sessions WHERE began IS NOT NULL ORDER BY began DESC OFFSET $2 LIMIT 1)
		ORDER BY began LIMIT $1 FOR UPDATE SKIP LOCKED)`
)
