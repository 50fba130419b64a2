-- +goose Up

-- Lists that participants submit to be compared with their registers. A list
-- comes in parts; it is compared when it has all of them.
CREATE TABLE submission (
    number       TEXT    NOT NULL PRIMARY KEY,
    by_whom      TEXT    NOT NULL,
    id           TEXT    NOT NULL,  -- the submitter's own
    day          INTEGER  NOT NULL,
    kind         TEXT    NOT NULL,
    owner        TEXT    NOT NULL,
    bank         TEXT    NOT NULL,
    seq          INTEGER  NOT NULL,
    register     TEXT    NOT NULL,  -- number of the register it is compared with
    parts        INTEGER  NOT NULL,
    created_at   INTEGER  NOT NULL,
    UNIQUE (by_whom, id),
    UNIQUE (day, kind, owner, seq)
);
CREATE TABLE submission_part (
    number TEXT    NOT NULL,
    part   INTEGER  NOT NULL,
    data   BLOB   NOT NULL,
    at     INTEGER  NOT NULL,
    PRIMARY KEY (number, part)
);

-- Evidence: what the comparisons came to.
CREATE TABLE reconciliation (
    number    TEXT    NOT NULL PRIMARY KEY,
    made_at   INTEGER  NOT NULL,
    matched   INTEGER  NOT NULL,
    agreed    INTEGER  NOT NULL,
    anomalies INTEGER  NOT NULL,
    refusal   TEXT    NOT NULL,            -- why the list could not be read as one; else empty
    hash      BLOB   NOT NULL,
    document  BLOB   NOT NULL             -- signed, compressed with gzip
);
