/* db_migrate: brings a file to the schema this program knows. sql/NNN_*.sql are embedded at build time (embed_sql.sh) and never edited after release. */
#ifndef MAKMAL_STORE_DB_MIGRATE_H
#define MAKMAL_STORE_DB_MIGRATE_H
#include <stdbool.h>
#include <stddef.h>
struct db_read; struct err;
struct db_migration { int number; const char *text; };
extern const struct db_migration db_migrations[];      /* rising numbers */
extern const size_t db_migration_count;
/* Refuses a damaged file ("store.broken"), somebody else's ("store.foreign") and one with a migration we do not know ("store.newer"); then applies
 * what is missing, in order of number, each in a transaction of its own. read: the writer's connection, before its thread runs. */
bool db_migrate(struct db_read *read, const char *path, const struct db_migration *migrations, size_t count, struct err *err);
/* Is the file ours, and has it had exactly these? Writes nothing. "store.foreign", "store.newer", "store.older". */
bool db_migrated(struct db_read *read, const char *path, const struct db_migration *migrations, size_t count, struct err *err);
#endif
