/*
 * For the MemorySanitizer build alone: clang 14's runtime doesn't know that
 * glibc's stat(2) family writes what it is given (since glibc 2.33 they are
 * functions, called by SQLite through a table).
 */
#include <fcntl.h>
#include <sanitizer/msan_interface.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the system header's names are reserved. */
static int known(long result, struct stat *s)
{
	if (result == 0)
		__msan_unpoison(s, sizeof *s);
	return (int)result;
}

int fstat(int fd, struct stat *s)
{
	return known(syscall(SYS_newfstatat, fd, "", s, AT_EMPTY_PATH), s);
}

int stat(const char *path, struct stat *s)
{
	return known(syscall(SYS_newfstatat, AT_FDCWD, path, s, 0), s);
}

int lstat(const char *path, struct stat *s)
{
	return known(syscall(SYS_newfstatat, AT_FDCWD, path, s, AT_SYMLINK_NOFOLLOW), s);
}

/* The same under the names that a file offset of 64 bits gives them. */
int fstat64(int fd, struct stat64 *s)
{
	return fstat(fd, (struct stat *)s);
}

int stat64(const char *path, struct stat64 *s)
{
	return stat(path, (struct stat *)s);
}

int lstat64(const char *path, struct stat64 *s)
{
	return lstat(path, (struct stat *)s);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
