-- Submissions, applies, verdicts and their evidence. Rows of verdict are never changed (ruling: append-only); what may be
-- forgotten (a learner's text, evidence) lies in body and is reached by reference rows that can be deleted.

-- Bytes once per hash: files, verdict bodies, evidence, answers of an apply.
CREATE TABLE body (
  hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
  bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One hand-in. state: received (acknowledged, to be graded), grading (a job has it, or waits for the cluster), graded, refused
-- (a file could not be read), error (our fault, no try is spent). tries counts how often a job began, so that a submission that
-- kills the server three times ends as error.
CREATE TABLE submission (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 26),
  attempt TEXT NOT NULL REFERENCES attempt (id),
  person TEXT NOT NULL,
  workshop TEXT,
  lab TEXT NOT NULL,
  lab_version TEXT NOT NULL,
  number INTEGER NOT NULL,
  press TEXT,                       -- the page's idempotency key
  files_hash TEXT NOT NULL,         -- SHA-256 over names and hashes of the files
  state TEXT NOT NULL CHECK (state IN ('received', 'grading', 'graded', 'refused', 'error')),
  at_ms INTEGER NOT NULL,
  begun INTEGER NOT NULL DEFAULT 0, -- how often a job began
  earned TEXT,
  max TEXT,
  UNIQUE (attempt, number)
) STRICT;
CREATE UNIQUE INDEX submission_press ON submission (person, attempt, press) WHERE press IS NOT NULL;
CREATE INDEX submission_open ON submission (state) WHERE state IN ('received', 'grading');
CREATE UNIQUE INDEX submission_one_open ON submission (attempt) WHERE state IN ('received', 'grading');

CREATE TABLE submission_file (
  submission TEXT NOT NULL REFERENCES submission (id),
  place INTEGER NOT NULL,
  name TEXT NOT NULL,
  hash TEXT NOT NULL REFERENCES body (hash),
  PRIMARY KEY (submission, place)
) STRICT, WITHOUT ROWID;

-- One ended run of one script over one submission. final: the run that counts; at most one per submission and script.
CREATE TABLE verdict (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 26),
  submission TEXT NOT NULL REFERENCES submission (id),
  script TEXT NOT NULL CHECK (length(script) = 64),
  run INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('try', 'auto', 'closing', 'replay')),
  state TEXT NOT NULL CHECK (state IN ('open', 'settled', 'refused')),
  earned TEXT NOT NULL,
  max TEXT NOT NULL,
  final INTEGER NOT NULL CHECK (final IN (0, 1)),
  at_ms INTEGER NOT NULL,
  body_sha256 TEXT NOT NULL CHECK (length(body_sha256) = 64),
  evidence_sha256 TEXT NOT NULL CHECK (length(evidence_sha256) = 64),
  UNIQUE (submission, script, run)
) STRICT;
CREATE UNIQUE INDEX verdict_final ON verdict (submission, script) WHERE final = 1;
CREATE TRIGGER verdict_stays BEFORE UPDATE ON verdict BEGIN SELECT RAISE(ABORT, 'verdicts are never changed'); END;
CREATE TRIGGER verdict_kept BEFORE DELETE ON verdict BEGIN SELECT RAISE(ABORT, 'verdicts are never deleted'); END;

-- Where a verdict's text and evidence lie; may be deleted with the person.
CREATE TABLE verdict_body (
  verdict TEXT NOT NULL REFERENCES verdict (id),
  person TEXT NOT NULL,
  what TEXT NOT NULL CHECK (what IN ('body', 'evidence')),
  hash TEXT NOT NULL REFERENCES body (hash),
  PRIMARY KEY (verdict, what)
) STRICT, WITHOUT ROWID;

-- The learner's writes to the namespace through the page, and dry runs.
CREATE TABLE apply (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 26),
  attempt TEXT NOT NULL REFERENCES attempt (id),
  person TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('apply', 'dryrun')),
  take_over INTEGER NOT NULL CHECK (take_over IN (0, 1)),
  press TEXT,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'error')),
  at_ms INTEGER NOT NULL,
  begun INTEGER NOT NULL DEFAULT 0,
  ok INTEGER,
  files TEXT NOT NULL REFERENCES body (hash),     -- {"files": [{name, text}]}
  answer TEXT REFERENCES body (hash)
) STRICT;
CREATE UNIQUE INDEX apply_press ON apply (person, attempt, press) WHERE press IS NOT NULL;
CREATE INDEX apply_open ON apply (state) WHERE state IN ('queued', 'running');
CREATE UNIQUE INDEX apply_one_open ON apply (attempt) WHERE state IN ('queued', 'running');
