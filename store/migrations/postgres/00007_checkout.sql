-- +goose Up

-- A visit to the payment page: what is to be paid, and how far its payer has
-- come. data holds the rest, sealed: recipient, name, order number, words about
-- the payment, return address.
CREATE TABLE checkout (
    id          TEXT    COLLATE "C" NOT NULL PRIMARY KEY, -- UUID; the payment's id
    version     BIGINT  NOT NULL,
    kind        TEXT    COLLATE "C" NOT NULL,             -- CARD or ACCOUNT
    state       SMALLINT NOT NULL,            -- 1 started 2 open 3 abandoned
    participant TEXT    COLLATE "C" NOT NULL,             -- that sent the payer
    code        BIGINT  NOT NULL,             -- 0: none yet
    service     TEXT    COLLATE "C" NOT NULL,
    provider    TEXT    COLLATE "C" NOT NULL,
    amount      BIGINT  NOT NULL,             -- minor units
    currency    TEXT    COLLATE "C" NOT NULL,
    language    TEXT    COLLATE "C" NOT NULL,
    token_hash  BYTEA   NOT NULL,             -- SHA-256 of the token in the address
    created_at  BIGINT  NOT NULL,             -- times: microseconds since 1970 UTC, 0 none
    expires_at  BIGINT  NOT NULL,             -- of the token
    redeemed_at BIGINT  NOT NULL,
    input_by    BIGINT  NOT NULL,             -- 0: nothing is waited for
    data        BYTEA   NOT NULL
);
CREATE UNIQUE INDEX checkout_token ON checkout (token_hash);
CREATE INDEX checkout_idle ON checkout (input_by) WHERE input_by > 0;

-- Browsers that the gateway's own pages know. Only the hash of a cookie is here.
CREATE TABLE page_session (
    hash       BYTEA   NOT NULL PRIMARY KEY,  -- SHA-256
    subject    TEXT    COLLATE "C" NOT NULL,              -- what the session is about: a payment
    started_at BIGINT  NOT NULL,
    seen_at    BIGINT  NOT NULL,
    expires_at BIGINT  NOT NULL
);
CREATE INDEX page_session_end ON page_session (expires_at);

-- An attempt to pay. data, sealed: what may be shown of the card, the bank's
-- words, who wants the money back and why.
CREATE TABLE attempt (
    id         TEXT    COLLATE "C" NOT NULL PRIMARY KEY,  -- UUID, the bank knows it too
    checkout   TEXT    COLLATE "C" NOT NULL,
    number     BIGINT  NOT NULL,              -- of the payment's attempts, from 1
    code       BIGINT  NOT NULL,              -- 0: none yet
    method     TEXT    COLLATE "C" NOT NULL,              -- CARD or ACCOUNT
    bank       TEXT    COLLATE "C" NOT NULL,              -- empty: none was chosen
    amount     BIGINT  NOT NULL,
    currency   TEXT    COLLATE "C" NOT NULL,
    state      TEXT    COLLATE "C" NOT NULL,
    version    BIGINT  NOT NULL,
    reason     TEXT    COLLATE "C" NOT NULL,              -- of a refusal
    bank_ref   TEXT    COLLATE "C" NOT NULL,
    paid_at    BIGINT  NOT NULL,
    started_at BIGINT  NOT NULL,
    decided_at BIGINT  NOT NULL,
    ask_at     BIGINT  NOT NULL,              -- when the bank is asked next; 0 never
    asked      BIGINT  NOT NULL,
    data       BYTEA   NOT NULL
);
CREATE INDEX attempt_due ON attempt (bank, ask_at) WHERE ask_at > 0;
CREATE UNIQUE INDEX attempt_checkout ON attempt (checkout, number);
CREATE INDEX attempt_code ON attempt (code, started_at) WHERE code > 0;

-- What an open attempt is for, a code or a payment that has none yet: no other
-- may begin for it. The row goes when the attempt is over.
CREATE TABLE attempt_hold (
    name    TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    attempt TEXT    COLLATE "C" NOT NULL
);

-- The history of an attempt. Added to and never changed.
CREATE TABLE attempt_step (
    attempt TEXT    COLLATE "C" NOT NULL,
    version BIGINT  NOT NULL,
    state   TEXT    COLLATE "C" NOT NULL,
    at      BIGINT  NOT NULL,
    PRIMARY KEY (attempt, version)
);

-- Where a participant may have payers sent back to.
CREATE TABLE return_address (
    participant TEXT    COLLATE "C" NOT NULL,
    address     TEXT    COLLATE "C" NOT NULL,
    PRIMARY KEY (participant, address)
);
