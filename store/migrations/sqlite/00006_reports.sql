-- +goose Up

-- What reports are made of: totals of sealed days, so that a month is read from
-- a few rows a day however many payments it has. No evidence: a day can be
-- counted again from its facts and steps at any time.

-- Days that were counted. A count is written as a draft, in many transactions;
-- this row says which draft holds, so that two nodes that count the same day,
-- or one that dies on the way, leave no half of a day.
CREATE TABLE day_count (
    day        INTEGER PRIMARY KEY,
    draft      INTEGER NOT NULL,
    counted_at INTEGER NOT NULL
);

-- Totals of a day by direction.
CREATE TABLE day_total (
    day           INTEGER NOT NULL,
    draft         INTEGER NOT NULL,
    bank          TEXT NOT NULL,
    provider      TEXT NOT NULL,
    service       TEXT NOT NULL,
    channel       INTEGER NOT NULL,
    currency      TEXT NOT NULL,
    issued        INTEGER NOT NULL,         -- codes
    expired       INTEGER NOT NULL,
    cancelled     INTEGER NOT NULL,
    closed        INTEGER NOT NULL,
    paid          INTEGER NOT NULL,         -- payments
    paid_minor    INTEGER NOT NULL,         -- amounts: minor units
    fees_minor    INTEGER NOT NULL,
    late          INTEGER NOT NULL,         -- of codes that had expired or were cancelled
    refunds       INTEGER NOT NULL,
    refunds_minor INTEGER NOT NULL,
    refused       INTEGER NOT NULL,         -- notifications
    pay_us        INTEGER NOT NULL,         -- from issue to payment, together, in microseconds
    pay_m1        INTEGER NOT NULL,         -- how many took less than a minute
    pay_m10       INTEGER NOT NULL,         -- less than ten
    pay_h1        INTEGER NOT NULL,         -- less than an hour
    pay_d1        INTEGER NOT NULL,         -- less than a day; the others took longer
    close_us      INTEGER NOT NULL,         -- from payment to closing
    close_m1      INTEGER NOT NULL,
    close_m10     INTEGER NOT NULL,
    close_h1      INTEGER NOT NULL,
    close_d1      INTEGER NOT NULL,
    PRIMARY KEY (day, draft, bank, provider, service, channel, currency)
);

-- The same by the hour of the clock where the gateway stands. carried: the
-- hour is one of the day before, when it had been counted already.
CREATE TABLE hour_total (
    day           INTEGER NOT NULL,
    draft         INTEGER NOT NULL,
    hour          INTEGER NOT NULL,         -- 0 to 23
    carried       INTEGER NOT NULL,
    bank          TEXT NOT NULL,
    provider      TEXT NOT NULL,
    service       TEXT NOT NULL,
    channel       INTEGER NOT NULL,
    currency      TEXT NOT NULL,
    issued        INTEGER NOT NULL,         -- codes
    expired       INTEGER NOT NULL,
    cancelled     INTEGER NOT NULL,
    closed        INTEGER NOT NULL,
    paid          INTEGER NOT NULL,         -- payments
    paid_minor    INTEGER NOT NULL,         -- amounts: minor units
    fees_minor    INTEGER NOT NULL,
    late          INTEGER NOT NULL,         -- of codes that had expired or were cancelled
    refunds       INTEGER NOT NULL,
    refunds_minor INTEGER NOT NULL,
    refused       INTEGER NOT NULL,         -- notifications
    pay_us        INTEGER NOT NULL,         -- from issue to payment, together, in microseconds
    pay_m1        INTEGER NOT NULL,         -- how many took less than a minute
    pay_m10       INTEGER NOT NULL,         -- less than ten
    pay_h1        INTEGER NOT NULL,         -- less than an hour
    pay_d1        INTEGER NOT NULL,         -- less than a day; the others took longer
    close_us      INTEGER NOT NULL,         -- from payment to closing
    close_m1      INTEGER NOT NULL,
    close_m10     INTEGER NOT NULL,
    close_h1      INTEGER NOT NULL,
    close_d1      INTEGER NOT NULL,
    PRIMARY KEY (day, draft, hour, carried, bank, provider, service, channel, currency)
);

-- Refused requests of every operation.
CREATE TABLE refusal_total (
    day           INTEGER NOT NULL,
    draft         INTEGER NOT NULL,
    hour          INTEGER NOT NULL,
    carried       INTEGER NOT NULL,
    participant   TEXT NOT NULL,
    operation     TEXT NOT NULL,
    result        TEXT NOT NULL,
    requests      INTEGER NOT NULL,
    PRIMARY KEY (day, draft, hour, carried, participant, operation, result)
);
