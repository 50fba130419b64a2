-- +goose Up

-- What a merchant sells through the payment page.
CREATE TABLE merchant (
    participant TEXT    NOT NULL PRIMARY KEY,
    bin         TEXT    NOT NULL,             -- stands for the recipient, whom an order does not name
    services    TEXT    NOT NULL,             -- separated by spaces; the first where a redirect names none
    active      INTEGER NOT NULL
);

-- An order of a merchant: the two numbers name it for ever. By contract neither
-- says anything about a person.
CREATE TABLE merchant_order (
    merchant   TEXT    NOT NULL,
    order_no   TEXT    NOT NULL,
    amount     INTEGER NOT NULL,              -- minor units
    currency   TEXT    NOT NULL,
    service    TEXT    NOT NULL,
    code       INTEGER NOT NULL,              -- the newest
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,              -- times: microseconds since 1970 UTC
    PRIMARY KEY (merchant, order_no)
);

-- Every code that an order has had. Added to and never changed.
CREATE TABLE merchant_code (
    code     INTEGER NOT NULL PRIMARY KEY,
    merchant TEXT    NOT NULL,
    order_no TEXT    NOT NULL
);
CREATE INDEX merchant_code_order ON merchant_code (merchant, order_no);

-- What a merchant is told of an order: signed documents, sealed. Added to and
-- never changed; what became of sending them stands in the outbox.
CREATE TABLE merchant_result (
    number   TEXT    NOT NULL PRIMARY KEY,
    merchant TEXT    NOT NULL,
    order_no TEXT    NOT NULL,
    seq      INTEGER NOT NULL,                -- of the order's results, from 1
    attempt  TEXT    NOT NULL,
    code     INTEGER NOT NULL,
    state    TEXT    NOT NULL,
    made_at  INTEGER NOT NULL,
    data     BLOB    NOT NULL
);
CREATE UNIQUE INDEX merchant_result_order ON merchant_result (merchant, order_no, seq);

-- Signed redirects that were refused, each once for each reason, however often
-- a browser comes with one: its evidence is kept once. Added to and never changed.
CREATE TABLE merchant_refusal (
    hash     BLOB    NOT NULL,                -- SHA-256 of the signed text
    outcome  TEXT    NOT NULL,
    merchant TEXT    NOT NULL,
    order_no TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (hash, outcome)
);
