# base/file.c
# A directory isn't synced, so neither is the rename that retires a key.
s/fsync(fd) == 0;/fd >= 0;/
