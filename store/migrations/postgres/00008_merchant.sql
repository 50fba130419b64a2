-- +goose Up

-- What a merchant sells through the payment page.
CREATE TABLE merchant (
    participant TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    bin         TEXT    COLLATE "C" NOT NULL,             -- stands for the recipient, whom an order does not name
    services    TEXT    COLLATE "C" NOT NULL,             -- separated by spaces; the first where a redirect names none
    active      BIGINT  NOT NULL
);

-- An order of a merchant: the two numbers name it for ever. By contract neither
-- says anything about a person.
CREATE TABLE merchant_order (
    merchant   TEXT    COLLATE "C" NOT NULL,
    order_no   TEXT    COLLATE "C" NOT NULL,
    amount     BIGINT  NOT NULL,              -- minor units
    currency   TEXT    COLLATE "C" NOT NULL,
    service    TEXT    COLLATE "C" NOT NULL,
    code       BIGINT  NOT NULL,              -- the newest
    version    BIGINT  NOT NULL,
    created_at BIGINT  NOT NULL,              -- times: microseconds since 1970 UTC
    PRIMARY KEY (merchant, order_no)
);

-- Every code that an order has had. Added to and never changed.
CREATE TABLE merchant_code (
    code     BIGINT  NOT NULL PRIMARY KEY,
    merchant TEXT    COLLATE "C" NOT NULL,
    order_no TEXT    COLLATE "C" NOT NULL
);
CREATE INDEX merchant_code_order ON merchant_code (merchant, order_no);

-- What a merchant is told of an order: signed documents, sealed. Added to and
-- never changed; what became of sending them stands in the outbox.
CREATE TABLE merchant_result (
    number   TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    merchant TEXT    COLLATE "C" NOT NULL,
    order_no TEXT    COLLATE "C" NOT NULL,
    seq      BIGINT  NOT NULL,                -- of the order's results, from 1
    attempt  TEXT    COLLATE "C" NOT NULL,
    code     BIGINT  NOT NULL,
    state    TEXT    COLLATE "C" NOT NULL,
    made_at  BIGINT  NOT NULL,
    data     BYTEA   NOT NULL
);
CREATE UNIQUE INDEX merchant_result_order ON merchant_result (merchant, order_no, seq);

-- Signed redirects that were refused, each once for each reason, however often
-- a browser comes with one: its evidence is kept once. Added to and never changed.
CREATE TABLE merchant_refusal (
    hash     BYTEA   NOT NULL,                -- SHA-256 of the signed text
    outcome  TEXT    COLLATE "C" NOT NULL,
    merchant TEXT    COLLATE "C" NOT NULL,
    order_no TEXT    COLLATE "C" NOT NULL,
    at       BIGINT  NOT NULL,
    PRIMARY KEY (hash, outcome)
);
