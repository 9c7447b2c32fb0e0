# store.c
# What must last is committed as a plain refresh is: synchronous=NORMAL for revokes and all other ends.
s/store_file_sync()/store_file_flush()/
