-- +goose Up

-- Ready to be distributed by payment code: the code is part of every primary
-- key of the payment path (code, step, payment, discrepancy, message,
-- leaf_pending). Table request is the claim table that makes a participant's
-- request id unique for ever; distributed by participant, a commit touches it
-- and one shard of the payment path, in two phases. The other tables are small
-- and stay on the coordinator or become reference tables. There are no foreign
-- keys on the payment path, no sequences and no triggers.

-- A payment code. Columns are what is searched, summed or compared; data holds
-- the rest, sealed: recipient, names, order numbers, who closed it.
CREATE TABLE code (
    number     BIGINT  PRIMARY KEY,       -- 16 digits
    version    BIGINT  NOT NULL,          -- counts the changes; every change names the version it saw
    state      SMALLINT NOT NULL,          -- 1 ISSUED 2 PAID 3 CLOSED 4 EXPIRED 5 CANCELLED 6 REFUNDED
    service    TEXT    NOT NULL,
    provider   TEXT    NOT NULL,
    requester  TEXT    NOT NULL,
    bank       TEXT    NOT NULL,
    amount     BIGINT  NOT NULL,          -- minor units
    currency   TEXT    NOT NULL,
    channel    SMALLINT NOT NULL,          -- 1 ACQUIRING 2 ACCOUNT 3 INTERNET_BANKING 4 MOBILE_BANKING 5 ATM 6 INFOKIOSK
    issued_at  BIGINT  NOT NULL,          -- times: microseconds since 1970 UTC, 0 none
    expires_at BIGINT  NOT NULL,
    paid_at    BIGINT  NOT NULL,
    closed_at  BIGINT  NOT NULL,
    recipient  BIGINT  NOT NULL,          -- blind index of the IIN
    data       BYTEA   NOT NULL
);
CREATE INDEX code_recipient ON code (recipient);
CREATE INDEX code_due ON code (expires_at) WHERE state = 1;

-- The history of a code. line = version * 16 + position within the change.
CREATE TABLE step (
    code        BIGINT   NOT NULL,
    line        BIGINT   NOT NULL,
    at          BIGINT   NOT NULL,
    event       SMALLINT NOT NULL,
    was         SMALLINT NOT NULL,
    became      SMALLINT NOT NULL,
    participant TEXT     NOT NULL         -- empty: the gateway itself
);
-- Not unique on purpose: one entry leads to all steps of a code. The version
-- of the code, which every step is written against, keeps them apart.
CREATE INDEX step_code ON step (code);

-- The accepted payment of a code. data: recipient, name, account, sealed.
CREATE TABLE payment (
    code        BIGINT  PRIMARY KEY,
    bank        TEXT    NOT NULL,
    bank_ref    TEXT    NOT NULL,
    amount      BIGINT  NOT NULL,
    currency    TEXT    NOT NULL,
    paid_at     BIGINT  NOT NULL,
    received_at BIGINT  NOT NULL,
    channel     SMALLINT NOT NULL,
    service     TEXT    NOT NULL,
    provider    TEXT    NOT NULL,
    notified_by TEXT    NOT NULL,
    data        BYTEA   NOT NULL
);

-- Notifications that were refused although money may have moved.
CREATE TABLE discrepancy (
    code        BIGINT  NOT NULL,
    id          BYTEA   NOT NULL,
    reason      TEXT    NOT NULL,
    bank        TEXT    NOT NULL,
    bank_ref    TEXT    NOT NULL,
    amount      BIGINT  NOT NULL,
    currency    TEXT    NOT NULL,
    paid_at     BIGINT  NOT NULL,
    received_at BIGINT  NOT NULL,
    channel     SMALLINT NOT NULL,
    service     TEXT    NOT NULL,
    provider    TEXT    NOT NULL,
    notified_by TEXT    NOT NULL,
    data        BYTEA   NOT NULL,
    PRIMARY KEY (code, id)
);

-- Accepted requests with their outcome; the key is unique for ever.
CREATE TABLE request (
    participant TEXT    COLLATE "C" NOT NULL,
    id          BYTEA   NOT NULL,         -- UUID, 16 bytes
    operation   TEXT    NOT NULL,
    body_hash   BYTEA   NOT NULL,
    signed_info BYTEA   NOT NULL,
    code        BIGINT  NOT NULL,         -- as in message, whose key with answer it is
    result      TEXT    NOT NULL,
    answer      BYTEA   NOT NULL,
    at          BIGINT  NOT NULL,
    PRIMARY KEY (participant, id)
);

-- Evidence: every signed message, packed and sealed. code is negative for a
-- message that concerns none: a number from its id, so that few share one. The
-- index leads to the handful of messages of a code, in one entry for all of them; ids are drawn at
-- random, and one that came twice would show in the log.
CREATE TABLE message (
    code BIGINT  NOT NULL,
    id   BYTEA   NOT NULL,                -- UUID version 7, 16 bytes
    data BYTEA   NOT NULL
);
CREATE INDEX message_code ON message (code);
-- What is packed and sealed cannot be compressed again.
ALTER TABLE message ALTER COLUMN data SET STORAGE EXTERNAL;

-- Evidence: documents that many messages share, kept once: certificates,
-- revocation lists, proofs of trust.
CREATE TABLE document (
    id   BYTEA   NOT NULL PRIMARY KEY,    -- SHA-256 of data, or the proof's id
    kind SMALLINT NOT NULL,                -- 1 certificate 2 revocation list 3 proof
    data BYTEA   NOT NULL
);

-- Leaves of messages that are not in the log yet. No evidence: the leaf can be
-- computed from the message.
CREATE TABLE leaf_pending (
    id   BYTEA   NOT NULL,
    code BIGINT  NOT NULL,
    leaf BYTEA   NOT NULL,
    PRIMARY KEY (id, code)
);

-- Evidence: the Merkle log, one row a sealing. entries: code, id and leaf hash
-- of each, 56 bytes.
CREATE TABLE leaf_batch (
    first   BIGINT  PRIMARY KEY,          -- index of the first leaf
    entries BYTEA   NOT NULL
);
ALTER TABLE leaf_batch ALTER COLUMN entries SET STORAGE EXTERNAL;

-- Evidence: the signed heads of the log.
CREATE TABLE checkpoint (
    size BIGINT  PRIMARY KEY,
    note BYTEA   NOT NULL
);

-- Where the log ends: the roots of its complete subtrees. One row.
CREATE TABLE log_state (
    name     TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    size     BIGINT  NOT NULL,
    frontier BYTEA   NOT NULL
);
INSERT INTO log_state (name, size, frontier) VALUES ('archive', 0, '');

-- The register of participants. version counts every change to this table and
-- the next three, so that a node notices by reading one row.
CREATE TABLE directory (
    name    TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT  NOT NULL
);
INSERT INTO directory (name, version) VALUES ('directory', 1);

CREATE TABLE participant (
    id             TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    kind           TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    member_of      TEXT    NOT NULL,      -- separated by spaces
    acts_for       TEXT    NOT NULL,      -- participants, separated by spaces
    suspended      BIGINT  NOT NULL,
    contract_no    TEXT    NOT NULL,
    contract_from  BIGINT  NOT NULL,
    contract_until BIGINT  NOT NULL,
    body_only      BIGINT  NOT NULL,
    answer_key     TEXT    NOT NULL
);

CREATE TABLE certificate (
    fingerprint BYTEA   NOT NULL PRIMARY KEY,
    participant TEXT    NOT NULL REFERENCES participant (id),
    der         BYTEA   NOT NULL,
    not_after   BIGINT  NOT NULL,
    added_at    BIGINT  NOT NULL,
    withdrawn   BIGINT  NOT NULL
);

CREATE TABLE provider (
    id      TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    bin     TEXT    NOT NULL,
    name_kk TEXT    NOT NULL,
    name_ru TEXT    NOT NULL,
    name_en TEXT    NOT NULL,
    active  BIGINT  NOT NULL,
    data    BYTEA   NOT NULL              -- account, sealed
);

CREATE TABLE service (
    code         TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    provider     TEXT    NOT NULL REFERENCES provider (id),
    name_kk      TEXT    NOT NULL,
    name_ru      TEXT    NOT NULL,
    name_en      TEXT    NOT NULL,
    currency     TEXT    NOT NULL,
    fixed_amount BIGINT  NOT NULL,
    min_amount   BIGINT  NOT NULL,
    max_amount   BIGINT  NOT NULL,
    active       BIGINT  NOT NULL
);

-- The newest revocation list of each issuer. Its number never goes down.
CREATE TABLE crl (
    issuer     BYTEA   NOT NULL PRIMARY KEY,
    number     TEXT    NOT NULL,          -- decimal
    hash       BYTEA   NOT NULL,          -- of the document that holds the list
    fetched_at BIGINT  NOT NULL
);
