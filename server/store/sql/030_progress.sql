-- What a person has earned, answered and looked at. Keys are ids from files, never titles or numbers, so that texts may change.

-- The best final verdict of each step, first reached wins; where a lab says `keep: last`, the last. workshop '': on one's own.
CREATE TABLE progress (
  person TEXT NOT NULL CHECK (length(person) = 26),
  workshop TEXT NOT NULL,
  lab TEXT NOT NULL,
  step TEXT NOT NULL,
  earned TEXT NOT NULL,                  -- exact fractions: "7/2"
  max TEXT NOT NULL,                     -- of the checks that counted in that run: less in a lab's paper form
  submission TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (person, workshop, lab, step)
) STRICT, WITHOUT ROWID;

-- First and latest answer to each question. No points; they count towards "done".
CREATE TABLE quiz_answer (
  person TEXT NOT NULL CHECK (length(person) = 26),
  module TEXT NOT NULL,
  item TEXT NOT NULL,
  workshop TEXT NOT NULL,
  first_answer INTEGER NOT NULL,         -- place in quiz.yaml, counted from 0
  first_right INTEGER NOT NULL CHECK (first_right IN (0, 1)),
  first_ms INTEGER NOT NULL,
  last_answer INTEGER NOT NULL,
  last_right INTEGER NOT NULL CHECK (last_right IN (0, 1)),
  last_ms INTEGER NOT NULL,
  answers INTEGER NOT NULL,              -- how often it was answered
  PRIMARY KEY (person, module, item)
) STRICT, WITHOUT ROWID;

-- Rungs of hint ladders that were opened; an opened one stays.
CREATE TABLE hint_opened (
  attempt TEXT NOT NULL REFERENCES attempt (id) ON DELETE CASCADE,
  key TEXT NOT NULL,                     -- a finding's key, or "hints": the lab's own ladder
  rung INTEGER NOT NULL CHECK (rung BETWEEN 1 AND 3),
  person TEXT NOT NULL,                  -- who opened it
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (attempt, key, rung)
) STRICT, WITHOUT ROWID;
