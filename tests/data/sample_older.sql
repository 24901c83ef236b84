-- What stands in the demonstration's target before: an older shop with other columns and fewer rows,
-- and tables that the migration does not touch.
BEGIN;
CREATE TABLE author (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE book (id INTEGER PRIMARY KEY, title TEXT NOT NULL, author_id INTEGER, price TEXT);
CREATE INDEX book_by_title ON book (title);
CREATE TABLE customer (id INTEGER PRIMARY KEY, email TEXT);
CREATE TABLE visit (at TEXT NOT NULL, page TEXT NOT NULL);
CREATE INDEX visit_by_page ON visit (page);

INSERT INTO author VALUES (1, 'an older author'), (2, 'another');
INSERT INTO book VALUES (1, 'an older book', 1, '12,50'), (2, 'a second one', 2, '9,-');
INSERT INTO customer VALUES (3, 'somebody@example.org');
INSERT INTO visit
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
SELECT datetime('2024-01-01', i || ' minutes'), '/book/' || (i % 7) FROM n;
COMMIT;
