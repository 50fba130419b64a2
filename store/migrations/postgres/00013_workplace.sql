-- +goose Up

-- What operators have put together and not paid yet, one each. data, sealed:
-- the lines. It is emptied, never deleted.
CREATE TABLE desk_basket (
    person       TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    bank         TEXT    COLLATE "C" NOT NULL,
    id           TEXT    COLLATE "C" NOT NULL,              -- a new one when all lines are paid
    version      BIGINT  NOT NULL,
    data         BYTEA   NOT NULL,
    changed_at   BIGINT  NOT NULL               -- times: microseconds since 1970 UTC, 0 none
);

-- The last receipt number of each bank: a number is taken in the transaction of
-- its payment, so that none is missing.
CREATE TABLE desk_receipt (
    bank         TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    last         BIGINT  NOT NULL
);

-- What a desk knows of a payment besides the payment of its code. basket and
-- line name it for ever. data, sealed: names as they stood, account and card.
CREATE TABLE desk_payment (
    bank         TEXT    COLLATE "C" NOT NULL,
    receipt      BIGINT  NOT NULL,
    id           TEXT    COLLATE "C" NOT NULL,
    code         BIGINT  NOT NULL,
    basket       TEXT    COLLATE "C" NOT NULL,
    line         BIGINT  NOT NULL,
    branch       TEXT    COLLATE "C" NOT NULL,
    person       TEXT    COLLATE "C" NOT NULL,
    asan         BIGINT  NOT NULL,              -- taken as ASAN operator
    organisation TEXT    COLLATE "C" NOT NULL,
    service      TEXT    COLLATE "C" NOT NULL,
    unit         TEXT    COLLATE "C" NOT NULL,
    asan_unit    TEXT    COLLATE "C" NOT NULL,
    advance      BIGINT  NOT NULL,
    amount       BIGINT  NOT NULL,              -- minor units
    fee          BIGINT  NOT NULL,
    currency     TEXT    COLLATE "C" NOT NULL,
    at           BIGINT  NOT NULL,
    day          BIGINT  NOT NULL,
    status       TEXT    COLLATE "C" NOT NULL,              -- planned, awaiting_cancellation, cancelled, settled
    card_write   TEXT    COLLATE "C" NOT NULL,              -- none, pending, written, failed, skipped, reversed
    cancelled_at BIGINT  NOT NULL,
    version      BIGINT  NOT NULL,
    data         BYTEA   NOT NULL,
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
    bank         TEXT    COLLATE "C" NOT NULL,
    receipt      BIGINT  NOT NULL,
    seq          BIGINT  NOT NULL,              -- of the payment's requests, from 1
    code         BIGINT  NOT NULL,
    requested_by TEXT    COLLATE "C" NOT NULL,
    requested_at BIGINT  NOT NULL,
    decided_by   TEXT    COLLATE "C" NOT NULL,
    decided_at   BIGINT  NOT NULL,              -- 0: it awaits a decision
    approved     BIGINT  NOT NULL,
    data         BYTEA   NOT NULL,
    PRIMARY KEY (bank, receipt, seq)
);
CREATE INDEX desk_cancellation_decided ON desk_cancellation (decided_at, bank, requested_at);
