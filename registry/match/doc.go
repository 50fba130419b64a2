// Package match compares the list of payments that a bank, a branch or a
// provider keeps for a day with our register of that day, and reports numbered
// anomalies. It also reads such lists from CSV.
//
// It is pure: no database, no XML, no HTTP. It decides nothing about money and
// changes nothing; what it needs to know of other days it asks through Lookup.
// Package registry calls it for every submitted list, the command line for a
// file.
//
// # How rows find each other
//
// Payments match payments and refunds match refunds. Rows find each other
//
//  1. by payment code. Of several rows of one code those pair first that agree
//     in bank reference and amount, then in reference, then in amount, then
//     in order of line;
//  2. a row of the list without a valid code: by bank reference among our rows
//     that are still single, if the amount is the same, or if the bank is known
//     (a list of a bank or branch, or a row that names the bank), within which
//     a reference is unique.
//
// A row of the list that cannot be read pairs last, by what could be read of it,
// so that our row is not called missing. Rows either side marks DISCREPANCY are
// no payments: they count nowhere. A field the list does not give (an empty
// cell, an absent column) is not compared.
//
// # Which anomaly when
//
// A single row of the list gets the first of these that holds, and no other of
// this group:
//
//	UNREADABLE_ROW     it cannot be read. It is compared no further. It counts in the total if its
//	                   amount could be read; the difference is that amount less our row's, if there is one
//	REFUSED_HERE       our register of the day has a refused notification of the same code and bank reference
//	                   (or of the same code, if the list gives no reference and no other row stands for the
//	                   payment); one row a notification. Ours is the reason. Refusals as UNKNOWN_CODE and
//	                   WRONG_BANK are reported as CODE_UNKNOWN and WRONG_BANK (GW-P28)
//	DUPLICATE_THERE    another row of the list stands for the payment: one of the same valid code and kind, or,
//	                   without such a code, the row that has our row of this reference, or the same again
//	REFUSED_HERE       (payments) nothing was paid, and the owner's notification was refused on another day
//	CODE_UNKNOWN       the code was never issued, its check digits included
//	WRONG_BANK         the code was paid through another bank, or unpaid it is another bank's to notify
//	BRANCH_DIFFERS     it was paid through another branch of the bank
//	OTHER_PROVIDER     it was paid, or issued, for another provider
//	OTHER_DAY          the same owner's payment (refund) is in the register of another day; ours is that
//	                   day, or OPEN if no day that holds it is sealed yet
//	NOT_REFUNDED_HERE  (refunds) the code is paid and was not refunded
//	NOT_PAID_HERE      the code was issued and is not paid; ours is its state
//	MISSING_HERE       none of these: it stands in no register, and nothing tells why
//
// The difference is the amount of the row. A payment of another day that was
// refunded since also gets REFUNDED, without a difference.
//
// A single row of ours gets exactly one:
//
//	DUPLICATE_HERE     another row of ours has the same code and kind
//	REFUNDED           it is a refund. Their line is that of the payment, if the list has it
//	OTHER_DAY          it arrived late and belongs to an earlier day, which is ours
//	MISSING_THERE      none of these
//
// The difference is its amount, taken away.
//
// A pair gets every one that holds:
//
//	CURRENCY_DIFFERS   then amounts are not compared
//	AMOUNT_DIFFERS     the difference is theirs less ours
//	CODE_DIFFERS       found by reference; the code in the list is mistyped (not: absent)
//	BANK_REF_DIFFERS   both have one
//	OTHER_SERVICE, OTHER_PROVIDER, WRONG_BANK, BRANCH_DIFFERS
//	                   the field differs; a branch, if both have one. No difference in the sums
//	LATE               the code had expired or was cancelled, and the list does not mark it LATE (GW-P17)
//	PAID_OUTSIDE_DAY   the time in the list lies outside the day and is not ours (a minute apart or more);
//	                   not if our row is known to belong to an earlier day. MISSING_HERE rows get it too
//
// The list as a whole:
//
//	WRONG_COUNT        a stated number of rows is not that of the rows. An unreadable row that could not be
//	                   counted in a currency is given the benefit of the doubt
//	WRONG_TOTAL        a stated total is not what the rows come to. Not if a row could not be counted, since
//	                   then nobody can tell
//
// # The sums
//
// For each currency the differences of all anomalies add up to the total of the
// list less ours, to the last tiyn; Match fails rather than report otherwise.
// Totals are payments less refunds.
package match
