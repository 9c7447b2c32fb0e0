/*
 * entry: feeds a target (fuzz.h).
 *
 *	with -DFUZZ    libFuzzer calls LLVMFuzzerTestOneInput()
 *	without        TARGET PACK: every input of the pack, twice: the second time finds state that stayed
 *	either         TARGET --unpack DIR <PACK, TARGET --pack FILE... >PACK
 *
 * A pack is the inputs of a corpus as netstrings, "LENGTH:bytes," one after another.
 *
 * Each input runs once as it is, where fail() is a breach: no input is our own fault. Then, where the target allows
 * that, with an arena that ends at a piece that the input chooses: fail() then comes back here by longjmp(), and what
 * memory it had must do.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static jmp_buf starved;
static FILE *report;

void fuzz_breach(const char *file, int line, const char *property)
{
	fprintf(report, "BREACH %s:%d: %s\n", file, line, property);
	fflush(report);
#ifdef FUZZ
	abort();
#else
	exit(128 + SIGABRT);    /* so that what the target made goes with it */
#endif
}

void fuzz_tell(const char *text)
{
	fputs(text, report);
}

static void failed(enum error e)
{
	fuzz_breach("fail()", (int)e, errors[e].code);
}

static void out_of_memory(enum error e)
{
	HOLDS(e == ERROR_STORE_UNAVAILABLE);
	longjmp(starved, 1);
}

static void starve(struct slice in)
{
	unsigned piece = 1;
	for (size_t i = 0; i < in.n; i++)
		piece = piece * 31 + (unsigned char)in.p[i];
	on_fail(out_of_memory);
	arena_fail_at(1 + piece % 16);
	if (!setjmp(starved))
		fuzz_one(in);
	arena_fail_at(0);
}

static void feed(struct slice in)
{
	size_t mark = arena_mark();
	on_fail(failed);
	fuzz_one(in);
	arena_back(mark);
	if (fuzz_starves)
		starve(in);
	arena_back(mark);
}

static void start(void)
{
	on_fail(failed);
	if (fuzz_start)
		fuzz_start();
}

enum { EDGE = 1 << 20 };

static char room[EDGE];

/* Where n bytes end at a page that nobody may touch. */
static char *edge(size_t n)
{
	static char *end;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	if (!end) {
		char *m = mmap(NULL, EDGE + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (m == MAP_FAILED || mprotect(m + EDGE, page, PROT_NONE) != 0)
			exit(2);
		end = m + EDGE;
	}
	return end - n;
}

/* The next of the pack, at the edge; false at its end. */
static bool next(FILE *pack, struct slice *in)
{
	size_t n = 0;
	int c = fgetc(pack);
	if (c == EOF)
		return false;
	for (; c >= '0' && c <= '9' && n < EDGE; c = fgetc(pack))
		n = n * 10 + (size_t)(c - '0');
	char *at = edge(n < EDGE ? n : 0);
	if (n >= EDGE || c != ':' || fread(at, 1, n, pack) != n || fgetc(pack) != ',')
		exit(2);
	*in = (struct slice){ at, n };
	return true;
}

static int unpack(const char *dir)
{
	struct slice in;
	for (int i = 0; next(stdin, &in); i++) {
		snprintf(room, sizeof room, "%s/%05d", dir, i);
		FILE *file = fopen(room, "wb");
		if (!file || fwrite(in.p, 1, in.n, file) != in.n || fclose(file) != 0)
			return 2;
	}
	return 0;
}

static int pack(char **path)
{
	for (; *path; path++) {
		FILE *file = fopen(*path, "rb");
		size_t n = file ? fread(room, 1, sizeof room, file) : 0;
		printf("%zu:", n);
		fwrite(room, 1, n, stdout);
		putchar(',');
		if (file)
			fclose(file);
	}
	return fflush(stdout);
}

/* The two ways of packs; what they return, or -1 where neither was asked for. */
static int packing(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--unpack") == 0)
		return unpack(argv[2]);
	if (argc > 2 && strcmp(argv[1], "--pack") == 0)
		return pack(argv + 2);
	return -1;
}

#ifdef FUZZ

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int done = packing(*argc, *argv);
	if (done >= 0)
		exit(done);
	report = fdopen(dup(STDERR_FILENO), "w");       /* it closes its own: -close_fd_mask=2 */
	start();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	feed((struct slice){ (const char *)data, size });
	return 0;
}

#else

/* fail() tells the log what the arena lacked; nobody reads that here. */
static void quiet(void)
{
	int null = open("/dev/null", O_WRONLY);
	report = fdopen(dup(STDERR_FILENO), "w");
	if (!report || dup2(null, STDERR_FILENO) < 0)
		exit(2);
}

static int replay(const char *path)
{
	struct slice in;
	int count = 0;
	FILE *pack = fopen(path, "rb");
	while (pack && next(pack, &in)) {
		feed(in);
		feed(in);
		count++;
	}
	printf("%d inputs\n", count);
	return count == 0;
}

int main(int argc, char **argv)
{
	int done = packing(argc, argv);
	if (done >= 0 || argc != 2)
		return done >= 0 ? done : 100;
	quiet();
	start();
	return replay(argv[1]);
}

#endif
