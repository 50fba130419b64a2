-- +goose Up

-- Receipts that payers have saved. The first of a form is the original, the
-- later ones are copies. Added to and never changed.
CREATE TABLE receipt_saved (
    code   INTEGER NOT NULL,
    form   TEXT    NOT NULL, -- pdf or xml
    number INTEGER NOT NULL, -- from 1
    at     INTEGER NOT NULL, -- microseconds since 1970 UTC
    PRIMARY KEY (code, form, number)
);
