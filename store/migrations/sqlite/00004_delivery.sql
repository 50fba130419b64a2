-- +goose Up

-- Where the documents of a participant are pushed. Secrets are not here:
-- settings name their files.
CREATE TABLE delivery_target (
    participant TEXT     NOT NULL,
    name        TEXT     NOT NULL,
    method      TEXT     NOT NULL,       -- soap, folder or sftp
    address     TEXT     NOT NULL,
    forms       TEXT     NOT NULL,       -- separated by spaces
    settings    TEXT     NOT NULL,       -- a JSON object of texts
    active      INTEGER  NOT NULL,
    PRIMARY KEY (participant, name)
);

-- What is to be pushed, each rendering to each target once. A courier holds an
-- item until lease_until; tries numbers its attempts for ever and so tells a
-- courier whose lease ran out that another has taken over.
CREATE TABLE outbox (
    id           BLOB     PRIMARY KEY,   -- UUID of version 7
    participant  TEXT     NOT NULL,
    target       TEXT     NOT NULL,
    kind         TEXT     NOT NULL,      -- register, report or claim
    ref          TEXT     NOT NULL,      -- its number
    form         TEXT     NOT NULL,
    state        INTEGER  NOT NULL,      -- 1 WAITING 2 DELIVERED 3 DEAD
    attempts     INTEGER  NOT NULL,      -- since it was put in line
    tries        INTEGER  NOT NULL,      -- ever, resends counted
    parts        INTEGER  NOT NULL,      -- confirmed by the receiver, of the content with this hash
    resent       INTEGER  NOT NULL,      -- how often somebody put it in line again
    due_at       INTEGER  NOT NULL,      -- times: microseconds since 1970 UTC, 0 none
    lease_until  INTEGER  NOT NULL,
    node         TEXT     NOT NULL,      -- that tried last
    created_at   INTEGER  NOT NULL,
    delivered_at INTEGER  NOT NULL,
    last_error   TEXT     NOT NULL,
    size         INTEGER  NOT NULL,      -- bytes of the content as it was tried last
    sha256       BLOB     NOT NULL       -- of the same; empty before the first attempt
);
CREATE UNIQUE INDEX outbox_once ON outbox (participant, target, kind, ref, form);
CREATE INDEX outbox_due ON outbox (participant, target, due_at, id) WHERE state = 1;
CREATE INDEX outbox_state ON outbox (state, id);
CREATE INDEX outbox_ref ON outbox (ref, id);

-- Every attempt and its outcome. Added to and never changed.
CREATE TABLE delivery_attempt (
    id      BLOB   NOT NULL,
    attempt INTEGER NOT NULL,             -- outbox.tries
    at      INTEGER NOT NULL,
    took    INTEGER NOT NULL,             -- microseconds
    node    TEXT   NOT NULL,
    outcome TEXT   NOT NULL,             -- DELIVERED, FAILED, DEAD or RESENT
    error   TEXT   NOT NULL,
    PRIMARY KEY (id, attempt)
);

-- The signed messages of an attempt: each message with its answer is one entry
-- of the evidence. Added to and never changed.
CREATE TABLE delivery_evidence (
    id      BLOB   NOT NULL,              -- of the delivery
    message BLOB   NOT NULL,              -- of the entry
    attempt INTEGER NOT NULL,
    PRIMARY KEY (id, message)
);
