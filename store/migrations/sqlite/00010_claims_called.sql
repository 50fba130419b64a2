-- +goose Up

-- How far a claim has been presented to its bank, where the gateway calls that
-- bank (GW-185). What the bank said is a step of the claim.
CREATE TABLE claim_call (
    number  TEXT    NOT NULL PRIMARY KEY,
    bank    TEXT    NOT NULL,
    version INTEGER NOT NULL,
    outcome TEXT    NOT NULL,             -- the bank's last word: PENDING ACCEPTED PAID REFUSED, or none
    tried   INTEGER NOT NULL,             -- calls in a row that were not answered
    call_at INTEGER NOT NULL              -- when the bank is called next; 0 not any more
);
CREATE INDEX claim_call_due ON claim_call (bank, call_at) WHERE call_at > 0;
INSERT INTO claim_call (number, bank, version, outcome, tried, call_at) SELECT number, bank, 1, '', 0, made_at FROM claim;

-- Refunded payments whose money the bank has not given back: the operator claims
-- it and returns it to the payer itself (GW-186).
CREATE TABLE unreturned (
    code     INTEGER NOT NULL PRIMARY KEY,
    bank     TEXT    NOT NULL,
    bank_ref TEXT    NOT NULL,
    amount   INTEGER NOT NULL,            -- minor units
    currency TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    claim    TEXT    NOT NULL             -- its number; empty: not made yet
);
CREATE INDEX unreturned_open ON unreturned (at, code) WHERE claim = '';
