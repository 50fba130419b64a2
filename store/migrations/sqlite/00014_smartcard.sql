-- +goose Up

-- Computers with card bridges, at the desks of banks. secret: what both sides
-- of a pairing know, sealed, until the pairing is done; empty: none waits.
CREATE TABLE card_workstation (
    id            TEXT    NOT NULL PRIMARY KEY,
    version       INTEGER NOT NULL,
    bank          TEXT    NOT NULL,
    branch        TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    key_id        TEXT    NOT NULL,              -- of the bridge; empty: not paired
    simulated     INTEGER NOT NULL,
    secret        BLOB    NOT NULL,
    registered_by TEXT    NOT NULL,
    registered_at INTEGER NOT NULL,              -- times: microseconds since 1970 UTC, 0 none
    pair_by       INTEGER NOT NULL,
    paired_at     INTEGER NOT NULL,
    withdrawn_by  TEXT    NOT NULL,
    withdrawn_at  INTEGER NOT NULL
);
CREATE INDEX card_workstation_bank ON card_workstation (bank, id);

-- Every key that bridges ever had: answers they signed stay provable.
CREATE TABLE card_bridge_key (
    id          TEXT    NOT NULL PRIMARY KEY,   -- RFC 7638 thumbprint
    workstation TEXT    NOT NULL,
    point       BLOB    NOT NULL,
    paired_by   TEXT    NOT NULL,               -- who brought the enrolment
    added_at    INTEGER NOT NULL
);

-- Challenges that cards are read for. They pass: one that is gone is refused
-- like one that was used.
CREATE TABLE card_challenge (
    id       TEXT    NOT NULL PRIMARY KEY,
    bank     TEXT    NOT NULL,
    session  TEXT    NOT NULL,
    until    INTEGER NOT NULL,
    used_at  INTEGER NOT NULL
);
CREATE INDEX card_challenge_until ON card_challenge (until);

-- Tickets. data, sealed: the card's number and the ticket as it is given out.
CREATE TABLE card_ticket (
    id           TEXT    NOT NULL PRIMARY KEY,
    version      INTEGER NOT NULL,
    operation    TEXT    NOT NULL,              -- write or reverse
    payment      TEXT    NOT NULL,
    bank         TEXT    NOT NULL,
    workstation  TEXT    NOT NULL,
    key_id       TEXT    NOT NULL,              -- of the bridge: only its answers count
    organisation TEXT    NOT NULL,
    amount       INTEGER NOT NULL,              -- minor units
    currency     TEXT    NOT NULL,
    reverses     TEXT    NOT NULL,
    state        TEXT    NOT NULL,              -- open, written, reversed, failed
    reason       TEXT    NOT NULL,              -- of a failure
    issued_at    INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    decided_at   INTEGER NOT NULL,
    data         BLOB    NOT NULL
);
CREATE INDEX card_ticket_payment ON card_ticket (payment, issued_at);
CREATE INDEX card_ticket_open ON card_ticket (bank, issued_at) WHERE state = 'open';

-- What an open ticket is for, a payment and a card: no other is given out for
-- either. The rows go when the ticket is decided.
CREATE TABLE card_hold (
    name   TEXT    NOT NULL PRIMARY KEY,
    ticket TEXT    NOT NULL
);

-- The history of a ticket, and the message in the evidence that each step rests
-- on. Added to and never changed.
CREATE TABLE card_ticket_step (
    ticket   TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    state    TEXT    NOT NULL,
    basis    TEXT    NOT NULL,                  -- issued, answer, read
    evidence BLOB    NOT NULL,                  -- id of the message
    at       INTEGER NOT NULL,
    PRIMARY KEY (ticket, version)
);
