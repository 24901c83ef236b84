-- Of everything_target.sql what a migration must leave alone: with the source's content added it is
-- what the target has to hold after promotion.
PRAGMA foreign_keys = OFF;
PRAGMA user_version = 7;
BEGIN;
CREATE TABLE outside (id INTEGER PRIMARY KEY, user INTEGER REFERENCES users (id) ON DELETE CASCADE, note TEXT);
INSERT INTO outside VALUES (1, 1, 'kept'), (2, NULL, 'also kept');
CREATE INDEX outside_user ON outside (user);
CREATE VIEW outside_view AS SELECT o.note, u.email FROM outside o JOIN users u ON u.id = o.user;
CREATE TABLE outside_counter (id INTEGER PRIMARY KEY AUTOINCREMENT);
INSERT INTO outside_counter VALUES (77);
COMMIT;
