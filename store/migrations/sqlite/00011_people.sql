-- +goose Up

-- People of banks who sign in. data and password are sealed: user name, first
-- name and surname; the password's hash.
CREATE TABLE person (
    id          TEXT    NOT NULL PRIMARY KEY,
    bank        TEXT    NOT NULL,
    branch      TEXT    NOT NULL,             -- empty: none
    name_index  BLOB    NOT NULL,             -- keyed digest of bank and user name
    role        TEXT    NOT NULL,
    asan_point  TEXT    NOT NULL,             -- empty: none
    suspended   INTEGER NOT NULL,
    failures    INTEGER NOT NULL,             -- wrong passwords in a row
    locked_at   INTEGER NOT NULL,             -- times: microseconds since 1970 UTC, 0 none
    password_at INTEGER NOT NULL,
    temporary   INTEGER NOT NULL,
    credential  INTEGER NOT NULL,             -- counts what ends sessions
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  TEXT    NOT NULL,
    data        BLOB    NOT NULL,
    password    BLOB    NOT NULL
);
CREATE UNIQUE INDEX person_name ON person (bank, name_index);
CREATE INDEX person_bank ON person (bank, id);

-- Certificates of e-tokens. A registration is ended, never deleted; the same
-- certificate may be registered again later.
CREATE TABLE e_token (
    fingerprint   BLOB    NOT NULL,           -- SHA-256 of the certificate
    registered_at INTEGER NOT NULL,
    bank          TEXT    NOT NULL,
    person        TEXT    NOT NULL,
    certificate   TEXT    NOT NULL,           -- its serial number, hexadecimal
    not_after     INTEGER NOT NULL,
    registered_by TEXT    NOT NULL,
    revoked_at    INTEGER NOT NULL,
    revoked_by    TEXT    NOT NULL,
    PRIMARY KEY (fingerprint, registered_at)
);
CREATE UNIQUE INDEX e_token_in_use ON e_token (fingerprint) WHERE revoked_at = 0;
CREATE INDEX e_token_person ON e_token (bank, person);

-- Who did what. Added to and never changed. The records of one actor on one
-- day are a chain: each hash is keyed, and covers the record and the hash before.
CREATE TABLE audit (
    bank        TEXT    NOT NULL,
    day         INTEGER NOT NULL,             -- days since 1970, of the calendar
    actor       TEXT    NOT NULL,             -- a person, or the gateway's operator
    number      INTEGER NOT NULL,             -- from 1
    at          INTEGER NOT NULL,
    certificate TEXT    NOT NULL,             -- its serial number
    workstation TEXT    NOT NULL,
    action      TEXT    NOT NULL,
    subject     TEXT    NOT NULL,
    outcome     TEXT    NOT NULL,
    hash        BLOB    NOT NULL,
    PRIMARY KEY (bank, day, actor, number)
);

-- Where the ends of a bank's chains of a day stand in the archive. Added to and
-- never changed.
CREATE TABLE audit_seal (
    bank     TEXT    NOT NULL,
    day      INTEGER NOT NULL,
    evidence BLOB    NOT NULL,             -- id of the document
    PRIMARY KEY (bank, day)
);
