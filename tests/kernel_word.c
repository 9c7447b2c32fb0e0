/*
 * kernel_word sure|unsure COMMAND...: runs it where the kernel vouches for the clock, or refuses to say whether it
 * does (then the time since the machine was started counts; tests/fresh.sh moves that). A seccomp filter answers
 * adjtimex(2) instead of the kernel: with 0, which is TIME_OK, or with EPERM.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As in <linux/filter.h>, which musl's compiler doesn't know. */
struct bpf_line { uint16_t code; uint8_t yes, no; uint32_t value; };
struct bpf_program { unsigned short length; struct bpf_line *line; };
enum { LOAD = 0x20, EQUAL = 0x15, RETURN = 0x06, FILTER = 2 };
#define ALLOW 0x7fff0000u
#define ANSWER 0x00050000u

int main(int argc, char **argv)
{
	if (argc < 3 || (strcmp(argv[1], "sure") != 0 && strcmp(argv[1], "unsure") != 0)) {
		fprintf(stderr, "kernel_word sure|unsure COMMAND...\n");
		return 100;
	}
	uint32_t answer = ANSWER | (strcmp(argv[1], "unsure") == 0 ? EPERM : 0);
	struct bpf_line lines[] = {
		{ LOAD, 0, 0, 0 },                       /* the number of the call */
		{ EQUAL, 2, 0, SYS_adjtimex },
		{ EQUAL, 1, 0, SYS_clock_adjtime },
		{ RETURN, 0, 0, ALLOW },
		{ RETURN, 0, 0, answer },
	};
	struct bpf_program program = { sizeof lines / sizeof *lines, lines };
	/* As root, no_new_privs isn't wanted: tests change users. */
	if (prctl(PR_SET_SECCOMP, FILTER, &program) != 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, FILTER, &program) != 0)) {
		perror("kernel_word: seccomp");
		return 111;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 111;
}
