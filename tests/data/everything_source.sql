-- A source that holds one of everything the SQLite connector carries. Small, so that every fault
-- point of a whole migration can be tried.
PRAGMA foreign_keys = OFF;
PRAGMA user_version = 42;
PRAGMA application_id = 252006674;
BEGIN;

-- AUTOINCREMENT whose sequence is ahead of the largest id; unique, CHECK with a qualified column
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE COLLATE NOCASE,
    name TEXT, -- REFERENCES nothing: a comment that names users
    karma INTEGER DEFAULT 0 CHECK (users.karma >= -100),
    boss INTEGER REFERENCES users (id) ON DELETE SET NULL
);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
INSERT INTO users SELECT i, 'user' || i || '@example.org', 'User ' || i, i % 100, nullif(i / 2, 0) FROM n;
INSERT INTO users VALUES (5000, 'gone@example.org', NULL, 0, NULL);
DELETE FROM users WHERE id = 5000;

-- no declared key, sparse and negative row addresses
CREATE TABLE log (at TEXT, what);
INSERT INTO log (rowid, at, what) VALUES (-9223372036854775807, 'long ago', 1), (-5, 'before', 2.5),
    (1, 'now', 'three'), (4000000000, 'later', x'04'), (9223372036854775807, 'last', NULL);

-- WITHOUT ROWID, composite key with a descending column and a collation
CREATE TABLE prices (
    shop TEXT COLLATE NOCASE NOT NULL,
    day TEXT NOT NULL,
    cents INTEGER,
    PRIMARY KEY (shop, day DESC)
) WITHOUT ROWID;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
INSERT INTO prices SELECT 'Shop ' || (i % 7), date('2020-01-01', '+' || i || ' days'), i * 10 FROM n;

-- WITHOUT ROWID whose key holds values of every type
CREATE TABLE mixed_key (k PRIMARY KEY, v) WITHOUT ROWID;
INSERT INTO mixed_key VALUES (1, 'int'), (1.5, 'real'), ('1', 'text'), (x'31', 'blob'), ('', 'empty'),
    (x'', 'empty blob'), (-9223372036854775808, 'min'), (9e999, 'inf');

-- STRICT
CREATE TABLE strict_one (id INTEGER PRIMARY KEY, a INT, b REAL, c TEXT, d BLOB, e ANY) STRICT;
INSERT INTO strict_one VALUES (1, 2, 3, '4', x'05', 'any'), (2, NULL, NULL, NULL, NULL, 6.5),
    (3, -1, -0.0, '', x'', x'00');

-- generated columns, stored and virtual, with indexes over them
CREATE TABLE lines (
    id INTEGER PRIMARY KEY,
    price INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    total INTEGER GENERATED ALWAYS AS (price * amount) STORED,
    note TEXT,
    note_length INTEGER AS (length(note)) VIRTUAL
);
INSERT INTO lines (id, price, amount, note) VALUES (1, 100, 3, 'abc'), (2, 5, 7, NULL), (9, 1, 1, '');
CREATE INDEX lines_total ON lines (total DESC, note_length);

-- any value in any column, exactly
CREATE TABLE anything (a, b INTEGER, c REAL, d NUMERIC, e BLOB, f TEXT);
INSERT INTO anything VALUES
    (9007199254740993, 9223372036854775807, -9223372036854775808, 1e308, 5e-324, 'x'),
    (-0.0, 'not a number', 'text in real', x'00ff', 12, 12),
    (9e999, -9e999, 0.1, 1e15, 'in blob', x'626c6f62'),
    (NULL, NULL, NULL, NULL, NULL, NULL),
    ('', x'', 1.0, '007', zeroblob(10), cast(x'610062' AS TEXT)),
    (cast(x'fffe' AS TEXT), 3.0, 3, '3.0', 3, 3),
    ('日本語 🙂', 'ÄÖÜ', 'line' || char(10) || 'break', 'tab' || char(9), 'quote''s', '"double"');
CREATE TABLE big (id INTEGER PRIMARY KEY, t TEXT, b BLOB);
INSERT INTO big VALUES (1, printf('%.50000c', 'x'), zeroblob(70000)), (2, NULL, randomblob(0));

-- names
CREATE TABLE "select" ("from" TEXT, "group by" INTEGER PRIMARY KEY);
INSERT INTO "select" VALUES ('keyword', 1);
CREATE TABLE "a ""quoted"" name" ("x""y" TEXT, [br ack] TEXT, `back` TEXT);
INSERT INTO "a ""quoted"" name" VALUES ('1', '2', '3');
CREATE TABLE "Größe été" ("ключ" TEXT PRIMARY KEY, "値" INTEGER);
INSERT INTO "Größe été" VALUES ('один', 1), ('два', 2);
CREATE INDEX "índice ""ü""" ON "Größe été" ("値");
CREATE TABLE MixedCase (Id INTEGER PRIMARY KEY, Value TEXT);
INSERT INTO MixedCase VALUES (1, 'v');
CREATE TABLE shadowed (rowid TEXT, oid TEXT, _rowid_ TEXT);
INSERT INTO shadowed VALUES ('a', 'b', 'c'), ('a', 'b', 'c'), (NULL, NULL, NULL);
CREATE TABLE half_shadowed (rowid TEXT, x);
INSERT INTO half_shadowed VALUES ('r', 1), ('s', 2);
CREATE TABLE orders_staging_old (id INTEGER PRIMARY KEY);
INSERT INTO orders_staging_old VALUES (1);

-- empty, and a table that is nothing but defaults
CREATE TABLE nothing_here (id INTEGER PRIMARY KEY, "default" TEXT DEFAULT ('a' || 'b'));
CREATE TABLE auto_empty (id INTEGER PRIMARY KEY AUTOINCREMENT);

-- foreign keys: circular, composite, deferred, to a table that is not there
CREATE TABLE teams (id INTEGER PRIMARY KEY, captain INTEGER REFERENCES players (id) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE players (id INTEGER PRIMARY KEY, team INTEGER NOT NULL REFERENCES teams ON DELETE CASCADE);
INSERT INTO teams VALUES (1, 11), (2, 21);
INSERT INTO players VALUES (11, 1), (12, 1), (21, 2);
CREATE TABLE pair_parent (a INTEGER, b INTEGER, UNIQUE (a, b));
CREATE TABLE pair_child (x INTEGER, y INTEGER, FOREIGN KEY (x, y) REFERENCES "pair_parent" (a, b) ON UPDATE CASCADE);
INSERT INTO pair_parent VALUES (1, 2);
INSERT INTO pair_child VALUES (1, 2);
CREATE TABLE orphan (id INTEGER PRIMARY KEY, p INTEGER REFERENCES never_made (id));

-- indexes: unique, partial, on expressions, descending, collated
CREATE UNIQUE INDEX users_name ON users (name COLLATE RTRIM) WHERE users.name IS NOT NULL;
CREATE INDEX users_lower ON users (lower(email), karma DESC);
CREATE INDEX log_what ON log (what);

-- views on views; triggers of all kinds
CREATE VIEW good_users AS SELECT id, name, karma FROM users WHERE karma > 50;
CREATE VIEW best_users (who, points) AS SELECT name, karma FROM good_users WHERE karma > 90;
CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT);
INSERT INTO audit VALUES (7, 'first');
CREATE TRIGGER users_audit AFTER UPDATE OF karma ON users WHEN new.karma <> old.karma
BEGIN
    INSERT INTO audit (what) VALUES ('karma of ' || old.id);
    UPDATE log SET at = at WHERE rowid = 1;
END;
CREATE TRIGGER best_users_insert INSTEAD OF INSERT ON best_users
BEGIN
    INSERT INTO users (email, name, karma) VALUES (new.who || '@new', new.who, new.points);
END;
CREATE TRIGGER players_before BEFORE DELETE ON players BEGIN SELECT RAISE(IGNORE) WHERE old.id < 0; END;
COMMIT;
ANALYZE;
