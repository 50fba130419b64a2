-- +goose Up

-- What cashiers know of a provider. Its identity stands in provider.
CREATE TABLE organisation (
    provider          TEXT     COLLATE "C" NOT NULL PRIMARY KEY,
    name              TEXT     NOT NULL,             -- in the language of the desks
    smart             TEXT     COLLATE "C" NOT NULL, -- none, azerishiq, azerigaz
    without_write     SMALLINT NOT NULL,             -- 1: SMART payments without writing the card
    cancellable       SMALLINT NOT NULL,             -- 1: an operator may cancel
    receiver_required SMALLINT NOT NULL,             -- 1: a unit must be chosen
    banks             TEXT     COLLATE "C" NOT NULL  -- that take payments for it; empty: all
);

CREATE TABLE organisation_unit (
    provider TEXT     COLLATE "C" NOT NULL,
    code     TEXT     COLLATE "C" NOT NULL,
    name     TEXT     NOT NULL,
    active   SMALLINT NOT NULL,
    PRIMARY KEY (provider, code)
);

-- What cashiers know of a service. Its price stands in service.
CREATE TABLE desk_service (
    service TEXT     COLLATE "C" NOT NULL PRIMARY KEY,
    shown   TEXT     NOT NULL,  -- the code that people see; empty: that of the service
    name    TEXT     NOT NULL,
    advance SMALLINT NOT NULL   -- 1: may be paid without a debt
);

CREATE TABLE tariff (
    provider   TEXT    COLLATE "C" NOT NULL,
    service    TEXT    COLLATE "C" NOT NULL,  -- empty: all that have none of their own
    valid_from BIGINT  NOT NULL,              -- day
    percent    BIGINT  NOT NULL,              -- millionths
    fixed      BIGINT  NOT NULL,              -- minor units
    minimum    BIGINT  NOT NULL,
    maximum    BIGINT  NOT NULL,              -- 0: none
    PRIMARY KEY (provider, service, valid_from)
);

CREATE TABLE asan_point (
    id     TEXT     COLLATE "C" NOT NULL PRIMARY KEY,
    name   TEXT     NOT NULL,
    active SMALLINT NOT NULL
);

CREATE TABLE asan_unit (
    code   TEXT     COLLATE "C" NOT NULL PRIMARY KEY,
    point  TEXT     COLLATE "C" NOT NULL,
    name   TEXT     NOT NULL,
    active SMALLINT NOT NULL
);

-- What an organisation said last about an account. data is sealed: holder,
-- address, details. A row with as_of 0 stands for an account that is looked up
-- elsewhere; it only keeps payments to it apart.
CREATE TABLE account (
    provider   TEXT     COLLATE "C" NOT NULL,
    number     TEXT     COLLATE "C" NOT NULL,
    version    BIGINT   NOT NULL,  -- counts snapshots, payments and cancellations
    as_of      BIGINT   NOT NULL,  -- times: microseconds since 1970 UTC, 0 none
    paid_until BIGINT   NOT NULL,  -- payments before it are taken off the bills already
    closed     SMALLINT NOT NULL,
    digest     BYTEA    NOT NULL,  -- keyed, of what was said
    batch      TEXT     COLLATE "C" NOT NULL,
    data       BYTEA    NOT NULL,
    PRIMARY KEY (provider, number)
);

CREATE TABLE bill (
    provider TEXT    COLLATE "C" NOT NULL,
    number   TEXT    COLLATE "C" NOT NULL,
    service  TEXT    COLLATE "C" NOT NULL,
    invoice  TEXT    COLLATE "C" NOT NULL,
    period   TEXT    NOT NULL,
    amount   BIGINT  NOT NULL,     -- minor units
    currency TEXT    COLLATE "C" NOT NULL,
    PRIMARY KEY (provider, number, service, invoice)
);

-- Payments made through the gateway, by payment code. Bills stay as their
-- organisation wrote them; what is open follows from both.
CREATE TABLE settlement (
    code      BIGINT   PRIMARY KEY,
    provider  TEXT     COLLATE "C" NOT NULL,
    number    TEXT     COLLATE "C" NOT NULL,
    service   TEXT     COLLATE "C" NOT NULL,
    invoice   TEXT     COLLATE "C" NOT NULL,
    period    TEXT     NOT NULL,
    advance   SMALLINT NOT NULL,
    amount    BIGINT   NOT NULL,
    currency  TEXT     COLLATE "C" NOT NULL,
    at        BIGINT   NOT NULL,
    undone_at BIGINT   NOT NULL    -- 0: it holds
);
CREATE INDEX settlement_account ON settlement (provider, number, at);

-- Batches as they were taken: who fed what when.
CREATE TABLE bill_batch (
    id         TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    provider   TEXT    COLLATE "C" NOT NULL,
    source     TEXT    COLLATE "C" NOT NULL,  -- soap, csv
    name       TEXT    NOT NULL,              -- request id, or file and hash
    as_of      BIGINT  NOT NULL,
    paid_until BIGINT  NOT NULL,
    at         BIGINT  NOT NULL,
    accounts   BIGINT  NOT NULL,
    taken      BIGINT  NOT NULL,
    same       BIGINT  NOT NULL,
    older      BIGINT  NOT NULL
);
CREATE INDEX bill_batch_provider ON bill_batch (provider, at);
