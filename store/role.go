package store

// Evidence is added and never changed by the serving role: not by a mistake of
// ours, nor by whoever gets hold of the role.
const (
	evidenceTables = "message, document, leaf_batch, checkpoint, request, step, payment, discrepancy, " +
		"business_day, day_row, correction, register, acknowledgement, claim, claim_step, submission, submission_part, reconciliation, " +
		"job_attempt, delivery_attempt, delivery_evidence, day_count, attempt_step, receipt_saved, " +
		"merchant_code, merchant_result, merchant_refusal, audit, audit_seal, bill_batch, card_bridge_key, card_ticket_step"
	changingTables = "open_day, code, log_state, directory, participant, certificate, provider, service, crl, job_run, delivery_target, outbox, checkout, attempt, " +
		"merchant, merchant_order, claim_call, unreturned, person, e_token, " +
		"organisation, organisation_unit, desk_service, tariff, asan_point, asan_unit, account, settlement, card_workstation, card_ticket, " +
		"desk_basket, desk_receipt, desk_payment, desk_cancellation"
	passingTables = "leaf_pending, day_total, hour_total, refusal_total, " + // of totals the drafts that nobody needs go
		"return_address, attempt_hold, page_session, bill, card_hold, card_challenge"
)

// AppendOnlyRole returns the SQL that makes the PostgreSQL role "tolem_serve",
// for the owner of the schema to run after the migrations.
func AppendOnlyRole() string {
	return `CREATE ROLE tolem_serve LOGIN;  -- give it a password or a certificate
GRANT USAGE ON SCHEMA public TO tolem_serve;
GRANT SELECT ON goose_db_version TO tolem_serve;
GRANT SELECT, INSERT ON ` + evidenceTables + ` TO tolem_serve;
GRANT SELECT, INSERT, UPDATE ON ` + changingTables + ` TO tolem_serve;
GRANT SELECT, INSERT, DELETE ON ` + passingTables + ` TO tolem_serve;
GRANT UPDATE ON page_session, card_challenge TO tolem_serve;
`
}
