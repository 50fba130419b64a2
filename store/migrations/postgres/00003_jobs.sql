-- +goose Up

-- Jobs that run once however many nodes fire: seal a day, build a register,
-- deliver it. Not on the payment path; stays on the coordinator.
CREATE TABLE job_run (
    name        TEXT     COLLATE "C" NOT NULL, -- seal-day
    slot        TEXT     COLLATE "C" NOT NULL, -- 2026-11-21, 2026-11-21/bank/HALYK
    state       SMALLINT NOT NULL,             -- 1 WAITING 2 RUNNING 3 FAILED 4 DONE 5 DEAD
    attempts    BIGINT   NOT NULL,             -- begun so far; an attempt is known by its number
    failures    BIGINT   NOT NULL,             -- since it was planned or last retried by hand
    node        TEXT     NOT NULL,             -- of the latest attempt
    due_at      BIGINT   NOT NULL,             -- as planned
    next_at     BIGINT   NOT NULL,             -- WAITING, FAILED: runs from here on; RUNNING: the lease ends; 0 otherwise
    started_at  BIGINT   NOT NULL,             -- of the latest attempt
    finished_at BIGINT   NOT NULL,
    error       TEXT     NOT NULL,
    result      TEXT     NOT NULL,
    PRIMARY KEY (name, slot)
);
CREATE INDEX job_next ON job_run (name, next_at) WHERE state IN (1, 2, 3);
CREATE INDEX job_open ON job_run (name, slot) WHERE state <> 4;
CREATE INDEX job_due ON job_run (due_at);

-- What became of each attempt, one line when it is known. Lines are added and
-- never changed.
CREATE TABLE job_attempt (
    name        TEXT   COLLATE "C" NOT NULL,
    slot        TEXT   COLLATE "C" NOT NULL,
    attempt     BIGINT NOT NULL,
    outcome     TEXT   COLLATE "C" NOT NULL,   -- DONE FAILED DEAD LOST STOPPED; RETRIED: a person had it run again
    node        TEXT   NOT NULL,               -- of RETRIED: who
    started_at  BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    error       TEXT   NOT NULL,
    PRIMARY KEY (name, slot, attempt, outcome)
);
