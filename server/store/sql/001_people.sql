-- People, workshops, logins, and the audit trail. Times are whole UTC milliseconds, ids ULID text (26 characters).

CREATE TABLE workshop (                     -- a class with an instructor
  id        TEXT PRIMARY KEY CHECK (length(id) = 26),
  name      TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
  code      TEXT NOT NULL CHECK (length(code) = 6),   -- join code, folded; shown to staff, so it is kept as it is
  opened_by TEXT REFERENCES person(id),     -- NULL: from the command line
  opened_ms INTEGER NOT NULL,
  until_ms  INTEGER NOT NULL,               -- nobody joins from here on
  closed_ms INTEGER                         -- closed by hand before its time
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX workshop_code ON workshop(code) WHERE closed_ms IS NULL;
CREATE INDEX workshop_opened_by ON workshop(opened_by, opened_ms);
CREATE INDEX workshop_opened ON workshop(opened_ms);

CREATE TABLE person (
  id         TEXT PRIMARY KEY CHECK (length(id) = 26),
  name       TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),   -- as typed, trimmed
  name_key   TEXT NOT NULL,                 -- the name folded, to find it again
  role       TEXT NOT NULL CHECK (role IN ('learner', 'instructor', 'administrator')),
  lang       TEXT NOT NULL CHECK (lang IN ('en', 'ms')),
  password   TEXT,                          -- Argon2id string; NULL: signs in by return key alone
  return_key TEXT UNIQUE CHECK (length(return_key) = 64),           -- SHA-256 of the return key, hex
  workshop   TEXT REFERENCES workshop(id),  -- the workshop joined; NULL: alone, or staff
  created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX person_sign_in ON person(name_key) WHERE password IS NOT NULL;   -- who has a password has a name of their own
CREATE INDEX person_name ON person(name_key);
CREATE INDEX person_workshop ON person(workshop);
CREATE INDEX person_role ON person(role);

CREATE TABLE login (                        -- one browser in which a person is signed in
  id         TEXT PRIMARY KEY CHECK (length(id) = 26),
  person     TEXT NOT NULL REFERENCES person(id) ON DELETE CASCADE,
  cookie     TEXT NOT NULL UNIQUE CHECK (length(cookie) = 64),      -- SHA-256 of the cookie, hex: this file signs nobody in
  created_ms INTEGER NOT NULL,
  seen_ms    INTEGER NOT NULL,              -- last activity, to the minute
  idle_ms    INTEGER NOT NULL,              -- over when nothing happened for so long
  until_ms   INTEGER NOT NULL               -- over in any case
) STRICT, WITHOUT ROWID;
CREATE INDEX login_person ON login(person, created_ms);

CREATE TABLE setup_key (                    -- the one-time key that makes its opener administrator; one row at most
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  hash     TEXT NOT NULL CHECK (length(hash) = 64),                 -- SHA-256 of the key, hex
  until_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (                        -- who did what to which object; append-only, each row carries the hash of the one before
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms    INTEGER NOT NULL,
  actor    TEXT,                            -- a person's id; NULL: the command line or the platform itself
  role     TEXT,
  what     TEXT NOT NULL,                   -- a dotted word: workshop.opened
  object   TEXT,                            -- an id
  before   TEXT,                            -- never names, a learner's text or secrets
  after    TEXT,
  request  TEXT,
  previous TEXT NOT NULL CHECK (length(previous) = 64),             -- hash of the row before; zeros in the first
  hash     TEXT NOT NULL CHECK (length(hash) = 64)                  -- SHA-256 over previous and all fields
) STRICT;
CREATE TRIGGER audit_stays  BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'audit rows are never changed'); END;
CREATE TRIGGER audit_remains BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'audit rows are never deleted'); END;
