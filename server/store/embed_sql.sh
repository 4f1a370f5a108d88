#!/bin/sh
# embed_sql.sh OUT FILE.sql...: the migrations as one C table, in the order of the numbers their names begin with.
set -eu
out=$1; shift
twice=$(for file; do basename "$file" | sed 's/_.*//'; done | sort | uniq -d)
[ -z "$twice" ] || { printf 'two migrations have the number %s: the second would never be applied\n' "$twice" >&2; exit 1; }      # the number is what a database remembers
{
  printf '#include "store/db_migrate.h"\n'
  printf 'const struct db_migration db_migrations[] = {\n'
  for file; do printf '%s\n' "$file"; done | sort | while read -r file; do
    number=$(basename "$file" | sed 's/^0*//; s/_.*//')
    printf '{%s,\n' "$number"
    sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$/\\n"/' "$file"
    printf '},\n'
  done
  printf '};\nconst size_t db_migration_count = sizeof db_migrations / sizeof db_migrations[0];\n'
} > "$out"
