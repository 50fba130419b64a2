-- +goose Up

-- Jobs that run once however many nodes fire: seal a day, build a register,
-- deliver it. Not on the payment path.
CREATE TABLE job_run (
    name        TEXT    NOT NULL,    -- seal-day
    slot        TEXT    NOT NULL,    -- 2026-11-21, 2026-11-21/bank/HALYK
    state       INTEGER NOT NULL,    -- 1 WAITING 2 RUNNING 3 FAILED 4 DONE 5 DEAD
    attempts    INTEGER NOT NULL,    -- begun so far; an attempt is known by its number
    failures    INTEGER NOT NULL,    -- since it was planned or last retried by hand
    node        TEXT    NOT NULL,    -- of the latest attempt
    due_at      INTEGER NOT NULL,    -- as planned
    next_at     INTEGER NOT NULL,    -- WAITING, FAILED: runs from here on; RUNNING: the lease ends; 0 otherwise
    started_at  INTEGER NOT NULL,    -- of the latest attempt
    finished_at INTEGER NOT NULL,
    error       TEXT    NOT NULL,
    result      TEXT    NOT NULL,
    PRIMARY KEY (name, slot)
) WITHOUT ROWID;
CREATE INDEX job_next ON job_run (name, next_at) WHERE state IN (1, 2, 3);
CREATE INDEX job_open ON job_run (name, slot) WHERE state <> 4;
CREATE INDEX job_due ON job_run (due_at);

-- What became of each attempt, one line when it is known. Lines are added and
-- never changed.
CREATE TABLE job_attempt (
    name        TEXT    NOT NULL,
    slot        TEXT    NOT NULL,
    attempt     INTEGER NOT NULL,
    outcome     TEXT    NOT NULL,    -- DONE FAILED DEAD LOST STOPPED; RETRIED: a person had it run again
    node        TEXT    NOT NULL,    -- of RETRIED: who
    started_at  INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    error       TEXT    NOT NULL,
    PRIMARY KEY (name, slot, attempt, outcome)
) WITHOUT ROWID;
