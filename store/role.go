package store

import "strings"

// What the serving role may do in PostgreSQL. Evidence is added and never
// changed: not by a mistake of ours, nor by whoever gets hold of the role.
var (
	evidenceTables = []string{"message", "document", "leaf_batch", "checkpoint", "request", "step", "payment", "discrepancy"}
	changingTables = []string{"code", "log_state", "directory", "participant", "certificate", "provider", "service", "crl"}
)

// AppendOnlyRole returns the SQL that makes the PostgreSQL role "tolem_serve",
// for the owner of the schema to run after the migrations.
func AppendOnlyRole() string {
	return `CREATE ROLE tolem_serve LOGIN;  -- give it a password or a certificate
GRANT USAGE ON SCHEMA public TO tolem_serve;
GRANT SELECT ON goose_db_version TO tolem_serve;
GRANT SELECT, INSERT ON ` + strings.Join(evidenceTables, ", ") + ` TO tolem_serve;
GRANT SELECT, INSERT, UPDATE ON ` + strings.Join(changingTables, ", ") + ` TO tolem_serve;
GRANT SELECT, INSERT, DELETE ON leaf_pending TO tolem_serve;
`
}
