-- +goose Up

-- A visit to the payment page: what is to be paid, and how far its payer has
-- come. data holds the rest, sealed: recipient, name, order number, words about
-- the payment, return address.
CREATE TABLE checkout (
    id          TEXT    NOT NULL PRIMARY KEY, -- UUID; the payment's id
    version     INTEGER NOT NULL,
    kind        TEXT    NOT NULL,             -- CARD or ACCOUNT
    state       INTEGER NOT NULL,             -- 1 started 2 open 3 abandoned
    participant TEXT    NOT NULL,             -- that sent the payer
    code        INTEGER NOT NULL,             -- 0: none yet
    service     TEXT    NOT NULL,
    provider    TEXT    NOT NULL,
    amount      INTEGER NOT NULL,             -- minor units
    currency    TEXT    NOT NULL,
    language    TEXT    NOT NULL,
    token_hash  BLOB    NOT NULL,             -- SHA-256 of the token in the address
    created_at  INTEGER NOT NULL,             -- times: microseconds since 1970 UTC, 0 none
    expires_at  INTEGER NOT NULL,             -- of the token
    redeemed_at INTEGER NOT NULL,
    input_by    INTEGER NOT NULL,             -- 0: nothing is waited for
    data        BLOB    NOT NULL
);
CREATE UNIQUE INDEX checkout_token ON checkout (token_hash);
CREATE INDEX checkout_idle ON checkout (input_by) WHERE input_by > 0;

-- Browsers that the gateway's own pages know. Only the hash of a cookie is here.
CREATE TABLE page_session (
    hash       BLOB    NOT NULL PRIMARY KEY,  -- SHA-256
    subject    TEXT    NOT NULL,              -- what the session is about: a payment
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
);
CREATE INDEX page_session_end ON page_session (expires_at);

-- An attempt to pay. data, sealed: what may be shown of the card, the bank's
-- words, who wants the money back and why.
CREATE TABLE attempt (
    id         TEXT    NOT NULL PRIMARY KEY,  -- UUID, the bank knows it too
    checkout   TEXT    NOT NULL,
    number     INTEGER NOT NULL,              -- of the payment's attempts, from 1
    code       INTEGER NOT NULL,              -- 0: none yet
    method     TEXT    NOT NULL,              -- CARD or ACCOUNT
    bank       TEXT    NOT NULL,              -- empty: none was chosen
    amount     INTEGER NOT NULL,
    currency   TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    reason     TEXT    NOT NULL,              -- of a refusal
    bank_ref   TEXT    NOT NULL,
    paid_at    INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    decided_at INTEGER NOT NULL,
    ask_at     INTEGER NOT NULL,              -- when the bank is asked next; 0 never
    asked      INTEGER NOT NULL,
    data       BLOB    NOT NULL
);
CREATE INDEX attempt_due ON attempt (bank, ask_at) WHERE ask_at > 0;
CREATE UNIQUE INDEX attempt_checkout ON attempt (checkout, number);
CREATE INDEX attempt_code ON attempt (code, started_at) WHERE code > 0;

-- What an open attempt is for, a code or a payment that has none yet: no other
-- may begin for it. The row goes when the attempt is over.
CREATE TABLE attempt_hold (
    name    TEXT    NOT NULL PRIMARY KEY,
    attempt TEXT    NOT NULL
);

-- The history of an attempt. Added to and never changed.
CREATE TABLE attempt_step (
    attempt TEXT    NOT NULL,
    version INTEGER NOT NULL,
    state   TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (attempt, version)
);

-- Where a participant may have payers sent back to.
CREATE TABLE return_address (
    participant TEXT    NOT NULL,
    address     TEXT    NOT NULL,
    PRIMARY KEY (participant, address)
);
