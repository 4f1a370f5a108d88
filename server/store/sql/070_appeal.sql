-- Appeals: a learner asks that a hand-in be graded again. One open at a time for each; answered by a regrade that took the hand-in up, or refused in words.
CREATE TABLE appeal (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 26),
  submission TEXT NOT NULL REFERENCES submission (id),
  person TEXT NOT NULL,
  workshop TEXT,
  reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 300),
  at_ms INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'regraded', 'refused')),
  regrade TEXT REFERENCES regrade (id),
  answer TEXT CHECK (length(answer) BETWEEN 1 AND 300),      -- why it was refused
  by_person TEXT,
  ended_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX appeal_one_open ON appeal (submission) WHERE state = 'open';
CREATE INDEX appeal_of ON appeal (submission, id);
CREATE INDEX appeal_person ON appeal (person, at_ms);
CREATE INDEX appeal_open ON appeal (state, id) WHERE state = 'open';
CREATE TRIGGER appeal_stays BEFORE UPDATE ON appeal WHEN old.state <> 'open' BEGIN SELECT RAISE(ABORT, 'an answered appeal is never changed'); END;
