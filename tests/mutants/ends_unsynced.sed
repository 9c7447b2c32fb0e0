# store/sqlite.c
# What must last is committed as a plain refresh is: synchronous=NORMAL for revokes and all other ends.
s/sqlite_file_sync()/sqlite_file_flush()/
