-- +goose Up

-- What cashiers know of a provider. Its identity stands in provider.
CREATE TABLE organisation (
    provider          TEXT    NOT NULL PRIMARY KEY,
    name              TEXT    NOT NULL,             -- in the language of the desks
    smart             TEXT    NOT NULL, -- none, azerishiq, azerigaz
    without_write     INTEGER NOT NULL,             -- 1: SMART payments without writing the card
    cancellable       INTEGER NOT NULL,             -- 1: an operator may cancel
    receiver_required INTEGER NOT NULL,             -- 1: a unit must be chosen
    banks             TEXT    NOT NULL  -- that take payments for it; empty: all
);

CREATE TABLE organisation_unit (
    provider TEXT    NOT NULL,
    code     TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    active   INTEGER NOT NULL,
    PRIMARY KEY (provider, code)
) WITHOUT ROWID;

-- What cashiers know of a service. Its price stands in service.
CREATE TABLE desk_service (
    service TEXT    NOT NULL PRIMARY KEY,
    shown   TEXT    NOT NULL,  -- the code that people see; empty: that of the service
    name    TEXT    NOT NULL,
    advance INTEGER NOT NULL   -- 1: may be paid without a debt
);

CREATE TABLE tariff (
    provider   TEXT    NOT NULL,
    service    TEXT    NOT NULL,  -- empty: all that have none of their own
    valid_from INTEGER NOT NULL,              -- day
    percent    INTEGER NOT NULL,              -- millionths
    fixed      INTEGER NOT NULL,              -- minor units
    minimum    INTEGER NOT NULL,
    maximum    INTEGER NOT NULL,              -- 0: none
    PRIMARY KEY (provider, service, valid_from)
) WITHOUT ROWID;

CREATE TABLE asan_point (
    id     TEXT    NOT NULL PRIMARY KEY,
    name   TEXT    NOT NULL,
    active INTEGER NOT NULL
);

CREATE TABLE asan_unit (
    code   TEXT    NOT NULL PRIMARY KEY,
    point  TEXT    NOT NULL,
    name   TEXT    NOT NULL,
    active INTEGER NOT NULL
);

-- What an organisation said last about an account. data is sealed: holder,
-- address, details. A row with as_of 0 stands for an account that is looked up
-- elsewhere; it only keeps payments to it apart.
CREATE TABLE account (
    provider   TEXT    NOT NULL,
    number     TEXT    NOT NULL,
    version    INTEGER NOT NULL,  -- counts snapshots, payments and cancellations
    as_of      INTEGER NOT NULL,  -- times: microseconds since 1970 UTC, 0 none
    paid_until INTEGER NOT NULL,  -- payments before it are taken off the bills already
    closed     INTEGER NOT NULL,
    digest     BLOB    NOT NULL,  -- keyed, of what was said
    batch      TEXT    NOT NULL,
    data       BLOB    NOT NULL,
    PRIMARY KEY (provider, number)
);

CREATE TABLE bill (
    provider TEXT    NOT NULL,
    number   TEXT    NOT NULL,
    service  TEXT    NOT NULL,
    invoice  TEXT    NOT NULL,
    period   TEXT    NOT NULL,
    amount   INTEGER NOT NULL,     -- minor units
    currency TEXT    NOT NULL,
    PRIMARY KEY (provider, number, service, invoice)
) WITHOUT ROWID;

-- Payments made through the gateway, by payment code. Bills stay as their
-- organisation wrote them; what is open follows from both.
CREATE TABLE settlement (
    code      INTEGER   PRIMARY KEY,
    provider  TEXT    NOT NULL,
    number    TEXT    NOT NULL,
    service   TEXT    NOT NULL,
    invoice   TEXT    NOT NULL,
    period    TEXT    NOT NULL,
    advance   INTEGER NOT NULL,
    amount    INTEGER NOT NULL,
    currency  TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    undone_at INTEGER NOT NULL    -- 0: it holds
);
CREATE INDEX settlement_account ON settlement (provider, number, at);

-- Batches as they were taken: who fed what when.
CREATE TABLE bill_batch (
    id         TEXT    NOT NULL PRIMARY KEY,
    provider   TEXT    NOT NULL,
    source     TEXT    NOT NULL,  -- soap, csv
    name       TEXT    NOT NULL,              -- request id, or file and hash
    as_of      INTEGER NOT NULL,
    paid_until INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    accounts   INTEGER NOT NULL,
    taken      INTEGER NOT NULL,
    same       INTEGER NOT NULL,
    older      INTEGER NOT NULL
);
CREATE INDEX bill_batch_provider ON bill_batch (provider, at);
