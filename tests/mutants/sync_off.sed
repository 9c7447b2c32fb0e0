# store.c
# The setting that a power cut must show: nothing is ever synced.
s/^\trun(SQL_EXCLUSIVE);/&\n\t(void)sqlite3_exec(db, "PRAGMA synchronous=OFF", NULL, NULL, NULL);/
s/store_file_sync()/store_file_flush()/
