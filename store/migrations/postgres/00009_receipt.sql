-- +goose Up

-- Receipts that payers have saved. The first of a form is the original, the
-- later ones are copies. Added to and never changed.
CREATE TABLE receipt_saved (
    code   BIGINT NOT NULL,
    form   TEXT   COLLATE "C" NOT NULL, -- pdf or xml
    number BIGINT NOT NULL,             -- from 1
    at     BIGINT NOT NULL,             -- microseconds since 1970 UTC
    PRIMARY KEY (code, form, number)
);
