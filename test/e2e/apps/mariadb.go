package apps

import (
	"fmt"
	"strings"
	"testing"

	"sallyport.example/sallyport/test/servers"
)

// startMariaDB runs a database server for the apps that need one, with an account for Alice, who may do everything, and
// one for Bob, who has a database of his own. Ready within five seconds.
func startMariaDB(t testing.TB) *servers.MariaDB {
	t.Helper()
	db := servers.StartMariaDB(t)
	var statements strings.Builder
	for _, account := range everybody {
		fmt.Fprintf(&statements, "CREATE USER '%s'@'%%' IDENTIFIED BY '%s';\n", account.Name, account.Password)
	}
	statements.WriteString("GRANT ALL ON *.* TO 'alice'@'%';\n" +
		"CREATE DATABASE harbour; CREATE TABLE harbour.tides (note TEXT); INSERT INTO harbour.tides VALUES ('The tide comes in at seven.');\n" +
		"CREATE DATABASE quay; CREATE TABLE quay.ships (name TEXT); GRANT ALL ON quay.* TO 'bob'@'%', 'mallory'@'%';\n")
	db.Must(statements.String())
	return db
}
