-- A small bookshop, for the demonstration: what real SQLite databases have, in a few thousand rows.
-- Everything is made by counting, so every run gives the same rows.
PRAGMA foreign_keys = ON;
BEGIN;

CREATE TABLE author (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    born INTEGER CHECK (born IS NULL OR born BETWEEN 1500 AND 2100)
);

-- AUTOINCREMENT: numbers of deleted books are never given again.
CREATE TABLE book (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    isbn TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    author_id INTEGER NOT NULL REFERENCES author (id),
    cents INTEGER NOT NULL CHECK (cents > 0),
    price REAL GENERATED ALWAYS AS (cents / 100.0) VIRTUAL,
    cover BLOB
);
CREATE INDEX book_by_author ON book (author_id, title);
CREATE INDEX book_by_lower_title ON book (lower(title));
CREATE INDEX book_expensive ON book (cents) WHERE cents >= 5000;

CREATE TABLE customer (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL UNIQUE COLLATE NOCASE,
    name TEXT,
    since TEXT NOT NULL DEFAULT (date('2020-01-01')),
    note -- no type: whatever people typed
);

CREATE TABLE "order" (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    customer_id INTEGER NOT NULL REFERENCES customer (id) ON DELETE RESTRICT,
    placed TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'paid', 'sent', 'cancelled'))
);
CREATE INDEX order_by_customer ON "order" (customer_id, placed DESC);
CREATE INDEX order_open ON "order" (placed) WHERE state = 'open';

CREATE TABLE order_line (
    order_id INTEGER NOT NULL REFERENCES "order" (id) ON DELETE CASCADE,
    line INTEGER NOT NULL,
    book_id INTEGER NOT NULL REFERENCES book (id),
    pieces INTEGER NOT NULL CHECK (pieces > 0),
    cents INTEGER NOT NULL,
    total INTEGER GENERATED ALWAYS AS (pieces * cents) STORED,
    PRIMARY KEY (order_id, line)
) WITHOUT ROWID;
CREATE INDEX order_line_by_book ON order_line (book_id);

CREATE TABLE stock (
    shelf TEXT NOT NULL,
    book_id INTEGER NOT NULL REFERENCES book (id),
    pieces INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (shelf, book_id)
) WITHOUT ROWID, STRICT;

CREATE TABLE "price change" (
    book_id INTEGER NOT NULL REFERENCES book (id),
    "when" TEXT NOT NULL,
    before_cents INTEGER,
    after_cents INTEGER
);

CREATE TABLE "Größe" ("Maß" TEXT PRIMARY KEY, "Höhe in mm" REAL);

CREATE VIEW order_total AS
    SELECT o.id, o.placed, c.name AS customer, sum(l.total) AS cents
    FROM "order" AS o
    JOIN customer AS c ON c.id = o.customer_id
    JOIN order_line AS l ON l.order_id = o.id
    GROUP BY o.id;
CREATE VIEW bestseller AS
    SELECT b.title, sum(l.pieces) AS pieces
    FROM order_line AS l JOIN book AS b ON b.id = l.book_id
    GROUP BY b.id ORDER BY pieces DESC, b.title LIMIT 10;

INSERT INTO author (id, name, born)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
SELECT i,
       (CASE i % 5 WHEN 0 THEN 'Ada' WHEN 1 THEN 'Jorge' WHEN 2 THEN 'Selma' WHEN 3 THEN 'Émile'
        ELSE '春樹' END) || ' ' || printf('%03d', i),
       CASE WHEN i % 7 = 0 THEN NULL ELSE 1800 + i % 190 END
FROM n;

INSERT INTO book (isbn, title, author_id, cents, cover)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
SELECT printf('978-%09d-%d', i * 7919, i % 10), printf('Volume %d of the %s', i,
           CASE i % 4 WHEN 0 THEN 'sea' WHEN 1 THEN 'House' WHEN 2 THEN 'small "things"' ELSE 'road' END),
       1 + (i * 37) % 200, 500 + (i * 131) % 7000,
       CASE WHEN i % 3 = 0 THEN unhexed.cover END
FROM n, (SELECT CAST(x'89504e470d0a1a0a' || zeroblob(600) || x'00ff00ff' AS BLOB) AS cover) AS unhexed;
DELETE FROM book WHERE id > 2990;

INSERT INTO customer (id, email, name, since, note)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
SELECT i * 3, printf('reader%d@example.org', i), CASE WHEN i % 11 = 0 THEN NULL ELSE 'Reader ' || i END,
       date('2015-01-01', (i * 2) || ' days'),
       CASE i % 6 WHEN 0 THEN NULL WHEN 1 THEN i WHEN 2 THEN i / 8.0 WHEN 3 THEN x'00ff'
                  WHEN 4 THEN 'pays late' ELSE '' END
FROM n;

INSERT INTO "order" (customer_id, placed, state)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
SELECT 3 * (1 + (i * 17) % 1500), datetime('2020-01-01', (i * 7) || ' hours'),
       CASE i % 10 WHEN 0 THEN 'cancelled' WHEN 1 THEN 'open' WHEN 2 THEN 'paid' ELSE 'sent' END
FROM n;

INSERT INTO order_line (order_id, line, book_id, pieces, cents)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000)
SELECT 1 + i % 4000, 1 + i / 4000, 1 + (i * 53) % 2990, 1 + i % 3, 500 + (i * 29) % 7000
FROM n;

INSERT INTO stock (shelf, book_id, pieces)
SELECT printf('%c%02d', 65 + id % 26, id % 40), id, id % 9 FROM book;

INSERT INTO "Größe" VALUES ('Taschenbuch', 190.0), ('Oktav', 225.5), ('Folio', 9e999), ('unbekannt', NULL);

-- After the rows, so that filling the shop is not a price change.
CREATE TRIGGER book_price AFTER UPDATE OF cents ON book WHEN old.cents <> new.cents
BEGIN
    INSERT INTO "price change" VALUES (new.id, '2024-05-01', old.cents, new.cents);
END;
CREATE TRIGGER order_cancelled AFTER UPDATE OF state ON "order" WHEN new.state = 'cancelled'
BEGIN
    DELETE FROM order_line WHERE order_id = new.id;
END;

UPDATE book SET cents = cents + 50 WHERE id % 5 = 0;
COMMIT;
ANALYZE;
