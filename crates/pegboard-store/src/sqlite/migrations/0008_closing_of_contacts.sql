-- Rows of contacts are closed by themselves: what was closed was so for all rows.
ALTER TABLE closers ADD COLUMN contacts_closed_until INTEGER;
ALTER TABLE closers ADD COLUMN contacts_closing_until INTEGER;
UPDATE closers SET contacts_closed_until = closed_until, contacts_closing_until = closing_until;
