-- +goose Up

-- The same tables as for PostgreSQL, in the types of SQLite.

-- A payment code. Columns are what is searched, summed or compared; data holds
-- the rest, sealed: recipient, names, order numbers, who closed it.
CREATE TABLE code (
    number     INTEGER PRIMARY KEY,       -- 16 digits
    version    INTEGER NOT NULL,          -- counts the changes; every change names the version it saw
    state      INTEGER NOT NULL,          -- 1 ISSUED 2 PAID 3 CLOSED 4 EXPIRED 5 CANCELLED 6 REFUNDED
    service    TEXT    NOT NULL,
    provider   TEXT    NOT NULL,
    requester  TEXT    NOT NULL,
    bank       TEXT    NOT NULL,
    amount     INTEGER NOT NULL,          -- minor units
    currency   TEXT    NOT NULL,
    channel    INTEGER NOT NULL,          -- 1 ACQUIRING 2 ACCOUNT 3 INTERNET_BANKING 4 MOBILE_BANKING 5 ATM 6 INFOKIOSK
    issued_at  INTEGER NOT NULL,          -- times: microseconds since 1970 UTC, 0 none
    expires_at INTEGER NOT NULL,
    paid_at    INTEGER NOT NULL,
    closed_at  INTEGER NOT NULL,
    recipient  INTEGER NOT NULL,          -- blind index of the IIN
    data       BLOB    NOT NULL
);
CREATE INDEX code_recipient ON code (recipient);
CREATE INDEX code_due ON code (expires_at) WHERE state = 1;

-- The history of a code. line = version * 16 + position within the change.
CREATE TABLE step (
    code        INTEGER NOT NULL,
    line        INTEGER NOT NULL,
    event       INTEGER NOT NULL,
    was         INTEGER NOT NULL,
    became      INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    participant TEXT    NOT NULL,         -- empty: the gateway itself
    PRIMARY KEY (code, line)
) WITHOUT ROWID;

-- The accepted payment of a code. data: recipient, name, account, sealed.
CREATE TABLE payment (
    code        INTEGER PRIMARY KEY,
    bank        TEXT    NOT NULL,
    bank_ref    TEXT    NOT NULL,
    amount      INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    paid_at     INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    channel     INTEGER NOT NULL,
    service     TEXT    NOT NULL,
    provider    TEXT    NOT NULL,
    notified_by TEXT    NOT NULL,
    data        BLOB    NOT NULL
);

-- Notifications that were refused although money may have moved.
CREATE TABLE discrepancy (
    code        INTEGER NOT NULL,
    id          BLOB    NOT NULL,
    reason      TEXT    NOT NULL,
    bank        TEXT    NOT NULL,
    bank_ref    TEXT    NOT NULL,
    amount      INTEGER NOT NULL,
    currency    TEXT    NOT NULL,
    paid_at     INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    channel     INTEGER NOT NULL,
    service     TEXT    NOT NULL,
    provider    TEXT    NOT NULL,
    notified_by TEXT    NOT NULL,
    data        BLOB    NOT NULL,
    PRIMARY KEY (code, id)
);

-- Accepted requests with their outcome; the key is unique for ever.
CREATE TABLE request (
    participant TEXT    NOT NULL,
    id          BLOB    NOT NULL,         -- UUID, 16 bytes
    operation   TEXT    NOT NULL,
    body_hash   BLOB    NOT NULL,
    signed_info BLOB    NOT NULL,
    code        INTEGER NOT NULL,         -- as in message, whose key with answer it is
    result      TEXT    NOT NULL,
    answer      BLOB    NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (participant, id)
) WITHOUT ROWID;

-- Evidence: every signed message, packed and sealed. code is negative for a
-- message that concerns none: a number from its id, so that few share one. The
-- index leads to the handful of messages of a code; ids are drawn at
-- random, and one that came twice would show in the log.
CREATE TABLE message (
    code INTEGER NOT NULL,
    id   BLOB    NOT NULL,                -- UUID version 7, 16 bytes
    data BLOB    NOT NULL
);
CREATE INDEX message_code ON message (code);

-- Evidence: documents that many messages share, kept once: certificates,
-- revocation lists, proofs of trust.
CREATE TABLE document (
    id   BLOB    NOT NULL PRIMARY KEY,    -- SHA-256 of data, or the proof's id
    kind INTEGER NOT NULL,                -- 1 certificate 2 revocation list 3 proof
    data BLOB    NOT NULL
) WITHOUT ROWID;

-- Leaves of messages that are not in the log yet. No evidence: the leaf can be
-- computed from the message.
CREATE TABLE leaf_pending (
    id   BLOB    NOT NULL,
    code INTEGER NOT NULL,
    leaf BLOB    NOT NULL,
    PRIMARY KEY (id, code)
) WITHOUT ROWID;

-- Evidence: the Merkle log, one row a sealing. entries: code, id and leaf hash
-- of each, 56 bytes.
CREATE TABLE leaf_batch (
    first   INTEGER PRIMARY KEY,          -- index of the first leaf
    entries BLOB    NOT NULL
);

-- Evidence: the signed heads of the log.
CREATE TABLE checkpoint (
    size INTEGER PRIMARY KEY,
    note BLOB    NOT NULL
);

-- Where the log ends: the roots of its complete subtrees. One row.
CREATE TABLE log_state (
    name     TEXT    NOT NULL PRIMARY KEY,
    size     INTEGER NOT NULL,
    frontier BLOB    NOT NULL
);
INSERT INTO log_state (name, size, frontier) VALUES ('archive', 0, x'');

-- The register of participants. version counts every change to this table and
-- the next three, so that a node notices by reading one row.
CREATE TABLE directory (
    name    TEXT    NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL
);
INSERT INTO directory (name, version) VALUES ('directory', 1);

CREATE TABLE participant (
    id             TEXT    NOT NULL PRIMARY KEY,
    kind           TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    member_of      TEXT    NOT NULL,      -- separated by spaces
    acts_for       TEXT    NOT NULL,      -- participants, separated by spaces
    suspended      INTEGER NOT NULL,
    contract_no    TEXT    NOT NULL,
    contract_from  INTEGER NOT NULL,
    contract_until INTEGER NOT NULL,
    body_only      INTEGER NOT NULL,
    answer_key     TEXT    NOT NULL
);

CREATE TABLE certificate (
    fingerprint BLOB    NOT NULL PRIMARY KEY,
    participant TEXT    NOT NULL REFERENCES participant (id),
    der         BLOB    NOT NULL,
    not_after   INTEGER NOT NULL,
    added_at    INTEGER NOT NULL,
    withdrawn   INTEGER NOT NULL
);

CREATE TABLE provider (
    id      TEXT    NOT NULL PRIMARY KEY,
    bin     TEXT    NOT NULL,
    name_kk TEXT    NOT NULL,
    name_ru TEXT    NOT NULL,
    name_en TEXT    NOT NULL,
    active  INTEGER NOT NULL,
    data    BLOB    NOT NULL              -- account, sealed
);

CREATE TABLE service (
    code         TEXT    NOT NULL PRIMARY KEY,
    provider     TEXT    NOT NULL REFERENCES provider (id),
    name_kk      TEXT    NOT NULL,
    name_ru      TEXT    NOT NULL,
    name_en      TEXT    NOT NULL,
    currency     TEXT    NOT NULL,
    fixed_amount INTEGER NOT NULL,
    min_amount   INTEGER NOT NULL,
    max_amount   INTEGER NOT NULL,
    active       INTEGER NOT NULL
);

-- The newest revocation list of each issuer. Its number never goes down.
CREATE TABLE crl (
    issuer     BLOB    NOT NULL PRIMARY KEY,
    number     TEXT    NOT NULL,          -- decimal
    hash       BLOB    NOT NULL,          -- of the document that holds the list
    fetched_at INTEGER NOT NULL
);
