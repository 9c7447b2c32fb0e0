/*
 * ask: see ask.h. The terminal's echo is off only while a line is typed. A
 * signal that ends the process in that time turns it on again first.
 */
#include "operator/ask.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
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

/* ECHONL: the end of the line is still shown. SIGTSTP is ignored: while we are stopped, the shell turns the echo on. */
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
 * Reads into text, which has max + 1 bytes. A line is read a byte at a time, since
 * what follows it may be meant for another program. False when there is more than max, or no line where one is wanted.
 * *trouble is the errno of a read that failed, or 0: half a password is none.
 */
static bool read_input(char *text, size_t max, bool line, struct slice *out, int *trouble)
{
	size_t n = 0;
	bool ended = false;
	*trouble = 0;
	while (n <= max && !ended) {
		ssize_t got = read(STDIN_FILENO, text + n, line ? 1 : max + 1 - n);
		if (got < 0)
			*trouble = errno;
		if (got <= 0)
			break;
		ended = line && text[n] == '\n';
		n += ended ? 0 : (size_t)got;
	}
	*out = (struct slice){ text, n };
	return n <= max && (n || ended || !line);
}

static bool checked(bool good, int trouble)
{
	if (trouble)
		fail(ERROR_INTERNAL, "AS1", "cannot read standard input: ", strerror(trouble), NULL);
	return good;
}

/* One byte more than max, which may be the CR. */
static bool read_line(size_t max, struct slice *out, int *trouble)
{
	bool read = read_input(arena(max + 2), max + 1, true, out, trouble);
	out->n -= out->n && out->p[out->n - 1] == '\r';
	return read && out->n <= max;
}

bool ask_line(const char *prompt, size_t max, struct slice *out)
{
	bool terminal = ask_is_terminal();
	if (terminal) {
		hide();
		write_all(STDERR_FILENO, slice_of(prompt));
	}
	int trouble;
	bool read = read_line(max, out, &trouble);
	if (terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &shown);
	return checked(read, trouble);
}

bool ask_word(const char *prompt, size_t max, struct slice *out)
{
	struct slice line;
	if (!ask_line(prompt, max, &line))
		return false;
	*out = slice_trim(line);
	return true;
}

bool ask_all(size_t max, struct slice *out)
{
	int trouble;
	void *text = mmap(NULL, max + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (text == MAP_FAILED)
		fail(ERROR_INTERNAL, "AS2", "no memory for what is read: ", strerror(errno), NULL);
	bool piped = read_input(text, max, false, out, &trouble);
	return checked(piped, trouble);
}
