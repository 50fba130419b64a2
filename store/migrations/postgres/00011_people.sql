-- +goose Up

-- People of banks who sign in. data and password are sealed: user name, first
-- name and surname; the password's hash.
CREATE TABLE person (
    id          TEXT    COLLATE "C" NOT NULL PRIMARY KEY,
    bank        TEXT    COLLATE "C" NOT NULL,
    branch      TEXT    COLLATE "C" NOT NULL,             -- empty: none
    name_index  BYTEA   NOT NULL,             -- keyed digest of bank and user name
    role        TEXT    COLLATE "C" NOT NULL,
    asan_point  TEXT    COLLATE "C" NOT NULL,             -- empty: none
    suspended   BIGINT  NOT NULL,
    failures    BIGINT  NOT NULL,             -- wrong passwords in a row
    locked_at   BIGINT  NOT NULL,             -- times: microseconds since 1970 UTC, 0 none
    password_at BIGINT  NOT NULL,
    temporary   BIGINT  NOT NULL,
    credential  BIGINT  NOT NULL,             -- counts what ends sessions
    version     BIGINT  NOT NULL,
    created_at  BIGINT  NOT NULL,
    created_by  TEXT    COLLATE "C" NOT NULL,
    data        BYTEA   NOT NULL,
    password    BYTEA   NOT NULL
);
CREATE UNIQUE INDEX person_name ON person (bank, name_index);
CREATE INDEX person_bank ON person (bank, id);

-- Certificates of e-tokens. A registration is ended, never deleted; the same
-- certificate may be registered again later.
CREATE TABLE e_token (
    fingerprint   BYTEA   NOT NULL,           -- SHA-256 of the certificate
    registered_at BIGINT  NOT NULL,
    bank          TEXT    COLLATE "C" NOT NULL,
    person        TEXT    COLLATE "C" NOT NULL,
    certificate   TEXT    COLLATE "C" NOT NULL,           -- its serial number, hexadecimal
    not_after     BIGINT  NOT NULL,
    registered_by TEXT    COLLATE "C" NOT NULL,
    revoked_at    BIGINT  NOT NULL,
    revoked_by    TEXT    COLLATE "C" NOT NULL,
    PRIMARY KEY (fingerprint, registered_at)
);
CREATE UNIQUE INDEX e_token_in_use ON e_token (fingerprint) WHERE revoked_at = 0;
CREATE INDEX e_token_person ON e_token (bank, person);

-- Who did what. Added to and never changed. The records of one actor on one
-- day are a chain: each hash is keyed, and covers the record and the hash before.
CREATE TABLE audit (
    bank        TEXT    COLLATE "C" NOT NULL,
    day         BIGINT  NOT NULL,             -- days since 1970, of the calendar
    actor       TEXT    COLLATE "C" NOT NULL,             -- a person, or the gateway's operator
    number      BIGINT  NOT NULL,             -- from 1
    at          BIGINT  NOT NULL,
    certificate TEXT    COLLATE "C" NOT NULL,             -- its serial number
    workstation TEXT    COLLATE "C" NOT NULL,
    action      TEXT    COLLATE "C" NOT NULL,
    subject     TEXT    COLLATE "C" NOT NULL,
    outcome     TEXT    COLLATE "C" NOT NULL,
    hash        BYTEA   NOT NULL,
    PRIMARY KEY (bank, day, actor, number)
);

-- Where the ends of a bank's chains of a day stand in the archive. Added to and
-- never changed.
CREATE TABLE audit_seal (
    bank     TEXT    COLLATE "C" NOT NULL,
    day      BIGINT  NOT NULL,
    evidence BYTEA   NOT NULL,             -- id of the document
    PRIMARY KEY (bank, day)
);
