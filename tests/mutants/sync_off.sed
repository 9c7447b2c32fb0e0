# store/sqlite.c
# The setting that a power cut must show: nothing is ever synced.
s/^\tsql_run(SQL_EXCLUSIVE);/&\n\t(void)sqlite3_exec(db, "PRAGMA synchronous=OFF", NULL, NULL, NULL);/
s/sqlite_file_sync()/sqlite_file_flush()/
