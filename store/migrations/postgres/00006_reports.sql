-- +goose Up

-- What reports are made of: totals of sealed days, so that a month is read from
-- a few rows a day however many payments it has. No evidence: a day can be
-- counted again from its facts and steps at any time.

-- Days that were counted. A count is written as a draft, in many transactions;
-- this row says which draft holds, so that two nodes that count the same day,
-- or one that dies on the way, leave no half of a day.
CREATE TABLE day_count (
    day        BIGINT   PRIMARY KEY,
    draft      BIGINT   NOT NULL,
    counted_at BIGINT   NOT NULL
);

-- Totals of a day by direction.
CREATE TABLE day_total (
    day           BIGINT   NOT NULL,
    draft         BIGINT   NOT NULL,
    bank          TEXT     COLLATE "C" NOT NULL,
    provider      TEXT     COLLATE "C" NOT NULL,
    service       TEXT     COLLATE "C" NOT NULL,
    channel       SMALLINT NOT NULL,
    currency      TEXT     COLLATE "C" NOT NULL,
    issued        BIGINT   NOT NULL,        -- codes
    expired       BIGINT   NOT NULL,
    cancelled     BIGINT   NOT NULL,
    closed        BIGINT   NOT NULL,
    paid          BIGINT   NOT NULL,        -- payments
    paid_minor    BIGINT   NOT NULL,        -- amounts: minor units
    fees_minor    BIGINT   NOT NULL,
    late          BIGINT   NOT NULL,        -- of codes that had expired or were cancelled
    refunds       BIGINT   NOT NULL,
    refunds_minor BIGINT   NOT NULL,
    refused       BIGINT   NOT NULL,        -- notifications
    pay_us        BIGINT   NOT NULL,        -- from issue to payment, together, in microseconds
    pay_m1        BIGINT   NOT NULL,        -- how many took less than a minute
    pay_m10       BIGINT   NOT NULL,        -- less than ten
    pay_h1        BIGINT   NOT NULL,        -- less than an hour
    pay_d1        BIGINT   NOT NULL,        -- less than a day; the others took longer
    close_us      BIGINT   NOT NULL,        -- from payment to closing
    close_m1      BIGINT   NOT NULL,
    close_m10     BIGINT   NOT NULL,
    close_h1      BIGINT   NOT NULL,
    close_d1      BIGINT   NOT NULL,
    PRIMARY KEY (day, draft, bank, provider, service, channel, currency)
);

-- The same by the hour of the clock where the gateway stands. carried: the
-- hour is one of the day before, when it had been counted already.
CREATE TABLE hour_total (
    day           BIGINT   NOT NULL,
    draft         BIGINT   NOT NULL,
    hour          SMALLINT NOT NULL,        -- 0 to 23
    carried       SMALLINT NOT NULL,
    bank          TEXT     COLLATE "C" NOT NULL,
    provider      TEXT     COLLATE "C" NOT NULL,
    service       TEXT     COLLATE "C" NOT NULL,
    channel       SMALLINT NOT NULL,
    currency      TEXT     COLLATE "C" NOT NULL,
    issued        BIGINT   NOT NULL,        -- codes
    expired       BIGINT   NOT NULL,
    cancelled     BIGINT   NOT NULL,
    closed        BIGINT   NOT NULL,
    paid          BIGINT   NOT NULL,        -- payments
    paid_minor    BIGINT   NOT NULL,        -- amounts: minor units
    fees_minor    BIGINT   NOT NULL,
    late          BIGINT   NOT NULL,        -- of codes that had expired or were cancelled
    refunds       BIGINT   NOT NULL,
    refunds_minor BIGINT   NOT NULL,
    refused       BIGINT   NOT NULL,        -- notifications
    pay_us        BIGINT   NOT NULL,        -- from issue to payment, together, in microseconds
    pay_m1        BIGINT   NOT NULL,        -- how many took less than a minute
    pay_m10       BIGINT   NOT NULL,        -- less than ten
    pay_h1        BIGINT   NOT NULL,        -- less than an hour
    pay_d1        BIGINT   NOT NULL,        -- less than a day; the others took longer
    close_us      BIGINT   NOT NULL,        -- from payment to closing
    close_m1      BIGINT   NOT NULL,
    close_m10     BIGINT   NOT NULL,
    close_h1      BIGINT   NOT NULL,
    close_d1      BIGINT   NOT NULL,
    PRIMARY KEY (day, draft, hour, carried, bank, provider, service, channel, currency)
);

-- Refused requests of every operation.
CREATE TABLE refusal_total (
    day           BIGINT   NOT NULL,
    draft         BIGINT   NOT NULL,
    hour          SMALLINT NOT NULL,
    carried       SMALLINT NOT NULL,
    participant   TEXT     COLLATE "C" NOT NULL,
    operation     TEXT     COLLATE "C" NOT NULL,
    result        TEXT     COLLATE "C" NOT NULL,
    requests      BIGINT   NOT NULL,
    PRIMARY KEY (day, draft, hour, carried, participant, operation, result)
);
