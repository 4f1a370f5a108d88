-- Regrades: what was handed in is graded again, out of its evidence, with the lab as it is now. Old verdicts stay; rows are only added.

-- With which lab and which check library a verdict was made: '' in rows older than this file. regrade: NULL for a hand-in's own grading.
ALTER TABLE verdict ADD COLUMN lab_version TEXT NOT NULL DEFAULT '';
ALTER TABLE verdict ADD COLUMN library TEXT NOT NULL DEFAULT '';
ALTER TABLE verdict ADD COLUMN regrade TEXT REFERENCES regrade (id);
-- One final run for the hand-in's own grading, and one for each regrade of it: neither can count twice.
DROP INDEX verdict_final;
CREATE UNIQUE INDEX verdict_final ON verdict (submission, script, coalesce(regrade, '')) WHERE final = 1;

-- The verdict that counts now. NULL: the final one of the hand-in's own grading.
ALTER TABLE submission ADD COLUMN verdict TEXT REFERENCES verdict (id);
CREATE INDEX submission_lab ON submission (lab, id);
CREATE INDEX submission_workshop ON submission (workshop, id);

-- One decision of a person. state: running; done; stopped (why: a message key), because the lab was changed under it.
CREATE TABLE regrade (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 26),
  by_person TEXT NOT NULL,
  role TEXT NOT NULL,
  lab TEXT,                         -- NULL: all labs of the workshop
  check_id TEXT,                    -- NULL: all checks of the lab
  workshop TEXT,                    -- NULL: all that the person may see
  reason TEXT NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  state TEXT NOT NULL CHECK (state IN ('running', 'done', 'stopped')),
  why TEXT,
  at_ms INTEGER NOT NULL,
  ended_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX regrade_one_runs ON regrade (state) WHERE state = 'running';
CREATE INDEX regrade_by ON regrade (by_person, id);

-- One hand-in of it: the work list and, once it is done, the ledger. A row changes once, from waiting to what came of it: regraded (a verdict was
-- added), same (not one byte differs), kept (the evidence says nothing new, or the script failed: what it had stands).
CREATE TABLE regrade_item (
  regrade TEXT NOT NULL REFERENCES regrade (id),
  place INTEGER NOT NULL,
  submission TEXT NOT NULL REFERENCES submission (id),
  person TEXT NOT NULL,
  workshop TEXT,
  lab TEXT NOT NULL,
  lab_version TEXT NOT NULL,        -- with these two it was decided, and with no others it is carried out
  library TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'regraded', 'same', 'kept')),
  why TEXT,                         -- of kept
  old_verdict TEXT REFERENCES verdict (id),
  new_verdict TEXT REFERENCES verdict (id),
  old_earned TEXT, old_max TEXT, new_earned TEXT, new_max TEXT,
  sheet_old TEXT, sheet_new TEXT,   -- the person's points for the lab, before and behind this row
  PRIMARY KEY (regrade, place),
  UNIQUE (regrade, submission)
) STRICT, WITHOUT ROWID;
CREATE INDEX regrade_item_submission ON regrade_item (submission);
CREATE INDEX regrade_item_waiting ON regrade_item (regrade, place) WHERE state = 'waiting';
CREATE TRIGGER regrade_item_stays BEFORE UPDATE ON regrade_item WHEN old.state <> 'waiting' BEGIN SELECT RAISE(ABORT, 'a regraded row is never changed'); END;
CREATE TRIGGER regrade_item_kept BEFORE DELETE ON regrade_item BEGIN SELECT RAISE(ABORT, 'regrades are never deleted'); END;
CREATE TRIGGER regrade_kept BEFORE DELETE ON regrade BEGIN SELECT RAISE(ABORT, 'regrades are never deleted'); END;
