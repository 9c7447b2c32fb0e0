/*
 * ask: see ask.h. The terminal's echo is off only while a line is typed; a
 * signal in that time turns it on again before it ends the process.
 */
#include "operator/ask.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"

static struct termios shown;

bool ask_is_terminal(void)
{
	return isatty(STDIN_FILENO) == 1;
}

static void show_and_die(int number)
{
	tcsetattr(STDIN_FILENO, TCSANOW, &shown);
	_exit(128 + number);
}

/* ECHONL: the line's end is still seen. Stopping would bring the echo back. */
static void hide(void)
{
	static const int fatal[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = show_and_die };
	struct termios hidden;
	tcgetattr(STDIN_FILENO, &shown);
	hidden = shown;
	for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
		sigaction(fatal[i], &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGTSTP, &action, NULL);
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ECHONL;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
}

/*
 * A byte at a time, since what stands behind a line may be another program's.
 * False when there is more than max, or, where a line is wanted, nothing. What
 * can't be read to its end is no password: *trouble is the errno of that.
 */
static bool take(size_t max, bool line, struct slice *out, int *trouble)
{
	char *text = arena(max + 1);
	size_t n = 0;
	bool ended = false;
	*trouble = 0;
	while (n <= max && !ended) {
		ssize_t got = read(STDIN_FILENO, text + n, 1);
		if (got < 0)
			*trouble = errno;
		if (got <= 0)
			break;
		ended = line && text[n] == '\n';
		n += !ended;
	}
	*out = (struct slice){ text, n };
	return n <= max && (n || ended || !line);
}

static bool taken(bool good, int trouble)
{
	if (trouble)
		fail(ERROR_INTERNAL, "AS1", "cannot read standard input: ", strerror(trouble), NULL);
	return good;
}

bool ask_line(const char *prompt, size_t max, struct slice *out)
{
	int trouble;
	if (!ask_is_terminal()) {
		bool piped = take(max, true, out, &trouble);
		return taken(piped, trouble);
	}
	hide();
	write_all(STDERR_FILENO, slice_of(prompt));
	bool typed = take(max, true, out, &trouble);
	tcsetattr(STDIN_FILENO, TCSANOW, &shown);
	return taken(typed, trouble);
}

bool ask_all(size_t max, struct slice *out)
{
	int trouble;
	bool piped = take(max, false, out, &trouble);
	return taken(piped, trouble);
}
