-- +goose Up

-- Computers with card bridges, at the desks of banks. secret: what both sides
-- of a pairing know, sealed, until the pairing is done; empty: none waits.
CREATE TABLE card_workstation (
    id            TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    version       BIGINT  NOT NULL,
    bank          TEXT    COLLATE "C" NOT NULL,
    branch        TEXT    COLLATE "C" NOT NULL,
    name          TEXT    COLLATE "C" NOT NULL,
    key_id        TEXT    COLLATE "C" NOT NULL,              -- of the bridge; empty: not paired
    simulated     BIGINT  NOT NULL,
    secret        BYTEA   NOT NULL,
    registered_by TEXT    COLLATE "C" NOT NULL,
    registered_at BIGINT  NOT NULL,              -- times: microseconds since 1970 UTC, 0 none
    pair_by       BIGINT  NOT NULL,
    paired_at     BIGINT  NOT NULL,
    withdrawn_by  TEXT    COLLATE "C" NOT NULL,
    withdrawn_at  BIGINT  NOT NULL
);
CREATE INDEX card_workstation_bank ON card_workstation (bank, id);

-- Every key that bridges ever had: answers they signed stay provable.
CREATE TABLE card_bridge_key (
    id          TEXT    COLLATE "C" NOT NULL PRIMARY KEY,   -- RFC 7638 thumbprint
    workstation TEXT    COLLATE "C" NOT NULL,
    point       BYTEA   NOT NULL,
    paired_by   TEXT    COLLATE "C" NOT NULL,               -- who brought the enrolment
    added_at    BIGINT  NOT NULL
);

-- Challenges that cards are read for. They pass: one that is gone is refused
-- like one that was used.
CREATE TABLE card_challenge (
    id       TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    bank     TEXT    COLLATE "C" NOT NULL,
    session  TEXT    COLLATE "C" NOT NULL,
    until    BIGINT  NOT NULL,
    used_at  BIGINT  NOT NULL
);
CREATE INDEX card_challenge_until ON card_challenge (until);

-- Tickets. data, sealed: the card's number and the ticket as it is given out.
CREATE TABLE card_ticket (
    id           TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    version      BIGINT  NOT NULL,
    operation    TEXT    COLLATE "C" NOT NULL,              -- write or reverse
    payment      TEXT    COLLATE "C" NOT NULL,
    bank         TEXT    COLLATE "C" NOT NULL,
    workstation  TEXT    COLLATE "C" NOT NULL,
    key_id       TEXT    COLLATE "C" NOT NULL,              -- of the bridge: only its answers count
    organisation TEXT    COLLATE "C" NOT NULL,
    amount       BIGINT  NOT NULL,              -- minor units
    currency     TEXT    COLLATE "C" NOT NULL,
    reverses     TEXT    COLLATE "C" NOT NULL,
    state        TEXT    COLLATE "C" NOT NULL,              -- open, written, reversed, failed
    reason       TEXT    COLLATE "C" NOT NULL,              -- of a failure
    issued_at    BIGINT  NOT NULL,
    expires_at   BIGINT  NOT NULL,
    decided_at   BIGINT  NOT NULL,
    data         BYTEA   NOT NULL
);
CREATE INDEX card_ticket_payment ON card_ticket (payment, issued_at);
CREATE INDEX card_ticket_open ON card_ticket (bank, issued_at) WHERE state = 'open';

-- What an open ticket is for, a payment and a card: no other is given out for
-- either. The rows go when the ticket is decided.
CREATE TABLE card_hold (
    name   TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    ticket TEXT    COLLATE "C" NOT NULL
);

-- The history of a ticket, and the message in the evidence that each step rests
-- on. Added to and never changed.
CREATE TABLE card_ticket_step (
    ticket   TEXT    COLLATE "C" NOT NULL,
    version  BIGINT  NOT NULL,
    state    TEXT    COLLATE "C" NOT NULL,
    basis    TEXT    COLLATE "C" NOT NULL,                  -- issued, answer, read
    evidence BYTEA   NOT NULL,                  -- id of the message
    at       BIGINT  NOT NULL,
    PRIMARY KEY (ticket, version)
);
