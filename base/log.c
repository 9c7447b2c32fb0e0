/*
 * log: see log.h for what each function promises.
 */
#include "base/log.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 1024 };
struct line { char text[LINE]; size_t n; };

/* Where lines go. All but NOWHERE are written to fd 2. */
static enum { STDERR, STDERR_UNLESS_CLIENT, SYSLOG, NOWHERE } destination;

static struct { char *to; size_t room; } diverted;

void log_divert(char *to, size_t room)
{
	diverted.to = to;
	diverted.room = room;
}

static bool timed;

/* Makes fd 2 a socket to the system's logger. */
static bool connect_to_logger(void)
{
	static const struct sockaddr_un logger = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool there = fd >= 0 && connect(fd, (const struct sockaddr *)&logger, sizeof logger) == 0;
	if (there)
		dup2(fd, STDERR_FILENO);
	close(fd);
	return there;
}

void log_to_syslog(void)
{
	if (connect_to_logger())
		destination = SYSLOG;
}

void log_with_time(void)
{
	timed = true;
}

void log_not_to_client(void)
{
	if (destination == STDERR)
		destination = STDERR_UNLESS_CLIENT;
}

/* inetd makes the client's socket stderr too; mini_httpd and thttpd the pipe that the answer goes into. */
static bool stderr_is_client(void)
{
	struct stat answer, error;
	bool stream = fstat(STDERR_FILENO, &error) == 0 && (S_ISSOCK(error.st_mode) || S_ISFIFO(error.st_mode));
	return stream && fstat(STDOUT_FILENO, &answer) == 0 && answer.st_dev == error.st_dev
		&& answer.st_ino == error.st_ino;
}

static void log_decide(void)
{
	if (!stderr_is_client())
		destination = STDERR;
	else
		destination = connect_to_logger() ? SYSLOG : NOWHERE;
}

static void log_add(struct line *line, const char *part)
{
	for (; *part && line->n < LINE - 1; part++)
		line->text[line->n++] = *part >= ' ' && *part <= '~' ? *part : '?';
}

/* "2026-11-28T17:39:00Z " (RFC 3339), in UTC: a log is read far from where it was written. */
static void log_time(struct line *line)
{
	static const char behind[] = "--T::Z";
	const time_t at = time(NULL);
	struct tm t = { 0 };
	gmtime_r(&at, &t);
	const int parts[] = { t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec };
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		char text[6] = { [4] = behind[i] };
		for (int k = 3, left = parts[i]; k >= 0; k--, left /= 10)
			text[k] = (char)('0' + left % 10);
		log_add(line, i ? text + 2 : text);
	}
	log_add(line, " ");
}

/* file.c has write_all(); it stands above this file. */
static void write_line(const struct line *line)
{
	size_t at = 0;
	while (at < line->n) {
		ssize_t put = write(STDERR_FILENO, line->text + at, line->n - at);
		if (put < 0 && errno != EINTR)
			return;
		at += put > 0 ? (size_t)put : 0;
	}
}

static void log_divert_line(const struct line *line)
{
	size_t n = line->n < diverted.room ? line->n : diverted.room - 1;
	memcpy(diverted.to, line->text, n);
	diverted.to[n] = '\0';
}

void log_parts(const char *site, va_list parts)
{
	struct line line = { .n = 0 };
	if (destination == STDERR_UNLESS_CLIENT)
		log_decide();
	if (destination == NOWHERE)
		return;
	if (timed && destination != SYSLOG)
		log_time(&line);
	/* RFC 5424, 6.2.1: facility authpriv, severity notice. */
	log_add(&line, diverted.to ? "" : destination == SYSLOG ? "<85>latchkey: " : "latchkey: ");
	log_add(&line, site);
	log_add(&line, ": ");
	for (const char *part; (part = va_arg(parts, const char *));)
		log_add(&line, part);
	if (diverted.to) {
		log_divert_line(&line);
		return;
	}
	line.text[line.n++] = '\n';
	write_line(&line);
}

void log_line(const char *site, ...)
{
	va_list parts;
	va_start(parts, site);
	log_parts(site, parts);
	va_end(parts);
}
