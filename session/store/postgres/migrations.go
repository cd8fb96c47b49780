package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

const (
	// migrationLock is the number of the advisory lock that is held while the table is made or changed: "sally" in
	// ASCII.
	migrationLock = 0x73616c6c79
	// versionPrefix begins the table's comment, which says how many of the migrations were made.
	versionPrefix = "sallyport sessions, version "
)

// migrations make the table, and bring it up to date. A released migration is never changed: a new one is added at the
// end. The value of a tombstone is NULL.
var migrations = []string{
	`CREATE TABLE sallyport_sessions (
		token   bytea PRIMARY KEY,
		version bytea NOT NULL,
		value   bytea,
		expires timestamptz NOT NULL
	);
	CREATE INDEX sallyport_sessions_expires ON sallyport_sessions (expires)`,

	// Labels: the owner of a live session, and when a stranger's began. Both are NULL in sessions of a version before
	// the labels, which may be running beside this one.
	`ALTER TABLE sallyport_sessions ADD COLUMN IF NOT EXISTS owner bytea, ADD COLUMN IF NOT EXISTS began timestamptz;
	CREATE INDEX IF NOT EXISTS sallyport_sessions_owner ON sallyport_sessions (owner) WHERE owner IS NOT NULL;
	CREATE INDEX IF NOT EXISTS sallyport_sessions_strangers ON sallyport_sessions (began) WHERE began IS NOT NULL;
	CREATE INDEX IF NOT EXISTS sallyport_sessions_unlabelled ON sallyport_sessions (expires)
		WHERE owner IS NULL AND began IS NULL AND value IS NOT NULL`,
}

// migrate makes the table, and brings it up to date. Gateways that start at the same moment wait for one another. What
// one finds before it has the lock counts only if nothing is left to do.
func (s *Store) migrate(ctx context.Context) error {
	version, err := tableVersion(ctx, s.pool)
	if err == nil && version < len(migrations) {
		err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrationLock)); err != nil {
				return err
			}
			if version, err = tableVersion(ctx, tx); err != nil {
				return err
			}
			for ; version < len(migrations); version++ {
				if _, err := tx.Exec(ctx, migrations[version], pgx.QueryExecModeSimpleProtocol); err != nil {
					return err
				}
			}
			_, err := tx.Exec(ctx, fmt.Sprintf("COMMENT ON TABLE sallyport_sessions IS '%s%d'", versionPrefix, version))
			return err
		})
	}
	if err == nil && version > len(migrations) {
		err = ErrNewer
	}
	if err != nil {
		return fmt.Errorf("preparing the table of sessions in PostgreSQL: %w", err)
	}
	return nil
}

// versionSQL reads the table's comment from the catalogue itself. to_regclass would ask the connection's cache, which
// goes on saying that there is no table after another gateway has made it.
const versionSQL = `SELECT coalesce(obj_description(oid, 'pg_class'), '') FROM pg_class
	WHERE relname = 'sallyport_sessions' AND relkind = 'r' AND pg_table_is_visible(oid)`

// tableVersion returns the number of migrations that were made; 0 if there is no table.
func tableVersion(ctx context.Context, on querier) (int, error) {
	var comment string
	err := on.QueryRow(ctx, versionSQL).Scan(&comment)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	version, err := strconv.Atoi(strings.TrimPrefix(comment, versionPrefix))
	if err != nil {
		return 0, fmt.Errorf("there is a table sallyport_sessions already, and it is not Sallyport's: its comment is %q", comment)
	}
	return version, nil
}

// querier is a pool or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}
