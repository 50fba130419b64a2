-- +goose Up

-- What a bank may tell of a payment besides: the branch that took it, and its
-- commission, which is no part of the amount (GW-P43).
ALTER TABLE payment ADD COLUMN branch TEXT NOT NULL DEFAULT '';
ALTER TABLE payment ADD COLUMN fee INTEGER NOT NULL DEFAULT 0;
ALTER TABLE discrepancy ADD COLUMN branch TEXT NOT NULL DEFAULT '';
ALTER TABLE discrepancy ADD COLUMN fee INTEGER NOT NULL DEFAULT 0;

-- A day is sealed, and counted, from what happened in it. Moments only grow:
-- these indexes are written at their right edge.
CREATE INDEX step_at ON step (at, code);
CREATE INDEX discrepancy_received ON discrepancy (received_at, code, id);
CREATE INDEX request_refused ON request (at) WHERE result <> 'OK';

-- Business days. A day that has no row is open. Days are counted from
-- 1970-01-01.
CREATE TABLE business_day (
    day       INTEGER PRIMARY KEY,
    sealed_at INTEGER  NOT NULL,           -- when its facts were complete
    facts     INTEGER  NOT NULL,           -- rows of day_row
    hash      BLOB   NOT NULL,           -- SHA-256 over the facts in their order
    evidence  BLOB   NOT NULL            -- id of the seal in the archive
);

-- Where a day's facts gather. Every batch of them counts up, and a day is sealed
-- only as the count stands at which it was summed up: so no batch slips in.
CREATE TABLE open_day (
    day     INTEGER PRIMARY KEY,
    batches INTEGER NOT NULL,
    sealed  INTEGER NOT NULL
);

-- The facts of sealed days: each accepted payment, refund and discrepancy is
-- in exactly one of them. Rows are only added, and only until their day is
-- sealed. Registers are made from these rows and nothing else.
CREATE TABLE day_row (
    code        INTEGER   NOT NULL,
    kind        INTEGER NOT NULL,         -- 1 payment 2 refund 3 discrepancy
    id          BLOB    NOT NULL,         -- of a discrepancy; else empty
    day         INTEGER   NOT NULL,
    at          INTEGER   NOT NULL,         -- moment of the fact
    bank        TEXT     NOT NULL,
    branch      TEXT     NOT NULL,
    bank_ref    TEXT     NOT NULL,
    service     TEXT     NOT NULL,
    provider    TEXT     NOT NULL,
    channel     INTEGER NOT NULL,
    amount      INTEGER   NOT NULL,
    currency    TEXT     NOT NULL,
    fee         INTEGER   NOT NULL,
    paid_at     INTEGER   NOT NULL,
    received_at INTEGER   NOT NULL,
    state       INTEGER NOT NULL,         -- of the code at the end of the day
    closed_at   INTEGER   NOT NULL,
    discrepancy TEXT     NOT NULL,
    belongs     INTEGER   NOT NULL,         -- the day of the payment
    PRIMARY KEY (code, kind, id)
);
CREATE INDEX day_row_bank ON day_row (day, bank, at, code, kind, id);
CREATE INDEX day_row_branch ON day_row (day, bank, branch, at, code, kind, id) WHERE branch <> '';
CREATE INDEX day_row_provider ON day_row (day, provider, at, code, kind, id);

-- Evidence: a row that was given to another branch after its register was
-- formed. seq grows by one a day: a register keeps how many it has seen.
CREATE TABLE correction (
    day    INTEGER   NOT NULL,
    seq    INTEGER   NOT NULL,
    code   INTEGER   NOT NULL,
    kind   INTEGER NOT NULL,
    id     BLOB    NOT NULL,
    was    TEXT     NOT NULL,
    branch TEXT     NOT NULL,
    who    TEXT     NOT NULL,
    reason TEXT     NOT NULL,
    at     INTEGER   NOT NULL,
    PRIMARY KEY (day, seq)
);

-- Evidence: registers, one row a revision. The rows are those of day_row; the
-- document they make has the hash that was signed.
CREATE TABLE register (
    number      TEXT     NOT NULL PRIMARY KEY,
    day         INTEGER   NOT NULL,
    kind        TEXT     NOT NULL,
    owner       TEXT     NOT NULL,
    bank        TEXT     NOT NULL,
    revision    INTEGER   NOT NULL,
    corrections INTEGER   NOT NULL,         -- how many of the day it has seen
    row_count   INTEGER   NOT NULL,
    head        BLOB    NOT NULL,         -- the document up to its rows
    totals      TEXT     NOT NULL,         -- JSON
    hash        BLOB    NOT NULL,
    signature   BLOB    NOT NULL,         -- the element, as it stands in the document
    formed_at   INTEGER   NOT NULL,
    final_after INTEGER   NOT NULL,
    UNIQUE (day, kind, owner, revision)
);
CREATE INDEX register_owner ON register (kind, owner, day, revision);
CREATE INDEX register_bank ON register (bank, day, number);

-- Evidence: what owners said of their registers.
CREATE TABLE acknowledgement (
    number     TEXT    NOT NULL,
    id         BLOB   NOT NULL,           -- of the request in the archive
    by_whom    TEXT    NOT NULL,
    verdict    TEXT    NOT NULL,
    objections TEXT    NOT NULL,           -- JSON
    at         INTEGER  NOT NULL,
    PRIMARY KEY (number, id)
);

-- Claims of the operator to a bank for a day (GW-P40), and what became of them.
CREATE TABLE claim (
    number     TEXT    NOT NULL PRIMARY KEY,
    day        INTEGER  NOT NULL,
    bank       TEXT    NOT NULL,
    register   TEXT    NOT NULL,  -- number of the bank's register it rests on
    currency   TEXT    NOT NULL,
    row_count  INTEGER  NOT NULL,
    amount     INTEGER  NOT NULL,
    document   BLOB   NOT NULL,           -- signed
    made_at    INTEGER  NOT NULL,
    due_at     INTEGER  NOT NULL
);
CREATE INDEX claim_bank ON claim (bank, day, number);
CREATE TABLE claim_step (
    number  TEXT    NOT NULL,
    line    INTEGER  NOT NULL,
    state   TEXT    NOT NULL,              -- SENT ACKNOWLEDGED DISPUTED PAID WITHDRAWN
    who     TEXT    NOT NULL,
    amount  INTEGER  NOT NULL,              -- that was paid with this step
    note    TEXT    NOT NULL,
    at      INTEGER  NOT NULL,
    PRIMARY KEY (number, line)
);
