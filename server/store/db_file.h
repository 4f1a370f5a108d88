/* db_file: the lock beside a database file, and which file systems can hold one. */
#ifndef MAKMAL_STORE_DB_FILE_H
#define MAKMAL_STORE_DB_FILE_H
#include <stdbool.h>
/* True for a number of statfs(2) that names a file system over the network: there locks and shared memory do not hold. */
bool db_file_system_is_remote(unsigned long type);
#endif
