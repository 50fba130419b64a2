-- +goose Up

-- What operators have put together and not paid yet, one each. data, sealed:
-- the lines. It is emptied, never deleted.
CREATE TABLE desk_basket (
    person       TEXT    NOT NULL PRIMARY KEY,
    bank         TEXT    NOT NULL,
    id           TEXT    NOT NULL,              -- a new one when all lines are paid
    version      INTEGER NOT NULL,
    data         BLOB    NOT NULL,
    changed_at   INTEGER NOT NULL               -- times: microseconds since 1970 UTC, 0 none
);

-- The last receipt number of each bank: a number is taken in the transaction of
-- its payment, so that none is missing.
CREATE TABLE desk_receipt (
    bank         TEXT    NOT NULL PRIMARY KEY,
    last         INTEGER NOT NULL
);

-- What a desk knows of a payment besides the payment of its code. basket and
-- line name it for ever. data, sealed: names as they stood, account and card.
CREATE TABLE desk_payment (
    bank         TEXT    NOT NULL,
    receipt      INTEGER NOT NULL,
    id           TEXT    NOT NULL,
    code         INTEGER NOT NULL,
    basket       TEXT    NOT NULL,
    line         INTEGER NOT NULL,
    branch       TEXT    NOT NULL,
    person       TEXT    NOT NULL,
    asan         INTEGER NOT NULL,              -- taken as ASAN operator
    organisation TEXT    NOT NULL,
    service      TEXT    NOT NULL,
    unit         TEXT    NOT NULL,
    asan_unit    TEXT    NOT NULL,
    advance      INTEGER NOT NULL,
    amount       INTEGER NOT NULL,              -- minor units
    fee          INTEGER NOT NULL,
    currency     TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    day          INTEGER NOT NULL,
    status       TEXT    NOT NULL,              -- planned, awaiting_cancellation, cancelled, settled
    card_write   TEXT    NOT NULL,              -- none, pending, written, failed, skipped, reversed
    cancelled_at INTEGER NOT NULL,
    version      INTEGER NOT NULL,
    data         BLOB    NOT NULL,
    PRIMARY KEY (bank, receipt)
);
CREATE UNIQUE INDEX desk_payment_id ON desk_payment (id);
CREATE UNIQUE INDEX desk_payment_code ON desk_payment (code);
CREATE UNIQUE INDEX desk_payment_line ON desk_payment (basket, line);
CREATE INDEX desk_payment_person ON desk_payment (person, day, receipt);
CREATE INDEX desk_payment_status ON desk_payment (status, day);

-- Requests to cancel payments, and what was decided. data, sealed: the reason of
-- a rejection.
CREATE TABLE desk_cancellation (
    bank         TEXT    NOT NULL,
    receipt      INTEGER NOT NULL,
    seq          INTEGER NOT NULL,              -- of the payment's requests, from 1
    code         INTEGER NOT NULL,
    requested_by TEXT    NOT NULL,
    requested_at INTEGER NOT NULL,
    decided_by   TEXT    NOT NULL,
    decided_at   INTEGER NOT NULL,              -- 0: it awaits a decision
    approved     INTEGER NOT NULL,
    data         BLOB    NOT NULL,
    PRIMARY KEY (bank, receipt, seq)
);
CREATE INDEX desk_cancellation_decided ON desk_cancellation (decided_at, bank, requested_at);
