-- Attempts: a learner's run of a lab, its namespace, its start state, the texts in its editor.

-- The row is the truth; the namespace in the cluster follows it. why: a message key when failed or ended early, else what is awaited.
CREATE TABLE attempt (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 26),
  person TEXT NOT NULL,
  workshop TEXT,
  lab TEXT NOT NULL,
  lab_version TEXT NOT NULL,
  namespace TEXT NOT NULL UNIQUE CHECK (length(namespace) = 16),
  state TEXT NOT NULL CHECK (state IN ('wanted', 'ready', 'resetting', 'ending', 'gone', 'failed')),
  why TEXT NOT NULL DEFAULT '',
  why_params TEXT,                       -- JSON map for the message, or NULL
  params TEXT NOT NULL,                  -- JSON map: the lab's parameters and the platform's (namespace, host)
  created_ms INTEGER NOT NULL,
  ready_ms INTEGER NOT NULL DEFAULT 0,
  expires_ms INTEGER NOT NULL,
  applied_ms INTEGER NOT NULL DEFAULT 0,
  ended_ms INTEGER NOT NULL DEFAULT 0,
  resets INTEGER NOT NULL DEFAULT 0,
  proof TEXT                             -- JSON: the proof of isolation, act by act
) STRICT;
-- One open attempt for each person and lab, however many presses race.
CREATE UNIQUE INDEX attempt_one_open ON attempt (person, lab) WHERE state IN ('wanted', 'ready', 'resetting');
CREATE INDEX attempt_person ON attempt (person, created_ms);
-- What start-up takes up again.
CREATE INDEX attempt_living ON attempt (state, id) WHERE state IN ('wanted', 'ready', 'resetting', 'ending');

-- What stood in the namespace when its set-up had settled, once for the start and once after each reset.
CREATE TABLE attempt_start (
  attempt TEXT NOT NULL REFERENCES attempt (id),
  reset INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  objects TEXT NOT NULL,                 -- JSON list
  PRIMARY KEY (attempt, reset)
) STRICT, WITHOUT ROWID;

-- Editor texts. The newest row is the draft, older ones its history of 7 days; a row is written over for 5 minutes.
CREATE TABLE draft (
  attempt TEXT NOT NULL REFERENCES attempt (id),
  number INTEGER NOT NULL,
  person TEXT NOT NULL,
  begun_ms INTEGER NOT NULL,
  saved_ms INTEGER NOT NULL,
  files TEXT NOT NULL,                   -- JSON list of {name, text} or {name, base64}
  PRIMARY KEY (attempt, number)
) STRICT, WITHOUT ROWID;
