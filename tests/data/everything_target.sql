-- A target in use: older tables that the migration replaces, and others that must stay untouched.
PRAGMA foreign_keys = OFF;
PRAGMA user_version = 7;
BEGIN;
CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT UNIQUE, old_column TEXT);
INSERT INTO users VALUES (1, 'old@example.org', 'x'), (2, 'older@example.org', NULL);
CREATE INDEX users_lower ON users (lower(email));
CREATE INDEX users_old ON users (old_column);
CREATE TRIGGER users_old_trigger AFTER DELETE ON users BEGIN SELECT 1; END;
CREATE TABLE players (id INTEGER PRIMARY KEY, team INTEGER REFERENCES teams (id) ON DELETE CASCADE);
CREATE TABLE teams (id INTEGER PRIMARY KEY);
INSERT INTO teams VALUES (1), (99);
INSERT INTO players VALUES (100, 1), (101, 99);
CREATE VIEW good_users AS SELECT id FROM users;
CREATE TABLE Prices (shop TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT INTO prices VALUES ('old shop');

-- outside: stays
CREATE TABLE outside (id INTEGER PRIMARY KEY, user INTEGER REFERENCES users (id) ON DELETE CASCADE, note TEXT);
INSERT INTO outside VALUES (1, 1, 'kept'), (2, NULL, 'also kept');
CREATE INDEX outside_user ON outside (user);
CREATE VIEW outside_view AS SELECT o.note, u.email FROM outside o JOIN users u ON u.id = o.user;
CREATE TRIGGER outside_trigger AFTER INSERT ON outside BEGIN UPDATE users SET email = email WHERE id = new.user; END;
CREATE TABLE outside_counter (id INTEGER PRIMARY KEY AUTOINCREMENT);
INSERT INTO outside_counter VALUES (77);
COMMIT;
