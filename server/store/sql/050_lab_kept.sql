-- Labs as they were. The files of each version that an attempt began with: it is graded by them although the folder was changed or removed since.
-- Words and steps are those of the first attempt of the version.
CREATE TABLE lab_kept (
  lab TEXT NOT NULL,
  version TEXT NOT NULL CHECK (length(version) = 64),
  course TEXT NOT NULL,
  module TEXT NOT NULL,
  files TEXT NOT NULL REFERENCES body (hash),     -- {"files": [{name, text | base64}]}
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (lab, version)
) STRICT, WITHOUT ROWID;
