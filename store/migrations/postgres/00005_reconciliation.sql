-- +goose Up

-- Lists that participants submit to be compared with their registers. A list
-- comes in parts; it is compared when it has all of them.
CREATE TABLE submission (
    number       TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    by_whom      TEXT    COLLATE "C" NOT NULL,
    id           TEXT    COLLATE "C" NOT NULL,  -- the submitter's own
    day          BIGINT  NOT NULL,
    kind         TEXT    COLLATE "C" NOT NULL,
    owner        TEXT    COLLATE "C" NOT NULL,
    bank         TEXT    COLLATE "C" NOT NULL,
    seq          BIGINT  NOT NULL,
    register     TEXT    COLLATE "C" NOT NULL,  -- number of the register it is compared with
    parts        BIGINT  NOT NULL,
    created_at   BIGINT  NOT NULL,
    UNIQUE (by_whom, id),
    UNIQUE (day, kind, owner, seq)
);
CREATE TABLE submission_part (
    number TEXT    COLLATE "C" NOT NULL,
    part   BIGINT  NOT NULL,
    data   BYTEA   NOT NULL,
    at     BIGINT  NOT NULL,
    PRIMARY KEY (number, part)
);

-- Evidence: what the comparisons came to.
CREATE TABLE reconciliation (
    number    TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    made_at   BIGINT  NOT NULL,
    matched   BIGINT  NOT NULL,
    agreed    BIGINT  NOT NULL,
    anomalies BIGINT  NOT NULL,
    refusal   TEXT    NOT NULL,            -- why the list could not be read as one; else empty
    hash      BYTEA   NOT NULL,
    document  BYTEA   NOT NULL             -- signed, compressed with gzip
);
