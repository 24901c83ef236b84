-- The rest of everything_outside.sql: made after the rows are in, or it would fire.
CREATE TRIGGER outside_trigger AFTER INSERT ON outside BEGIN UPDATE users SET email = email WHERE id = new.user; END;
