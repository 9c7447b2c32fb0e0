/*
 * clock_kernel_test: whether the kernel vouches for the wall clock; its answer is
 * a seccomp filter's.
 */
#include "clock.h"
#include "t.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As in <linux/filter.h>, which musl's compiler doesn't know. */
struct bpf_line { uint16_t code; uint8_t yes, no; uint32_t value; };
struct bpf_program { unsigned short length; struct bpf_line *line; };
enum { FILTER = 2 };

/* From here on adjtimex(2) doesn't run but returns this; 0 is TIME_OK. */
static void answer_adjtimex(unsigned error)
{
	static const unsigned calls[] = {
		SYS_adjtimex,
#ifdef SYS_clock_adjtime
		SYS_clock_adjtime,
#endif
#ifdef SYS_clock_adjtime64
		SYS_clock_adjtime64,
#endif
	};
	prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL);
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		struct bpf_line code[] = {
			{ 0x20, 0, 0, 0 },                       /* load the call's number */
			{ 0x15, 0, 1, calls[i] },                /* is it this one? */
			{ 0x06, 0, 0, 0x00050000 | error },      /* SECCOMP_RET_ERRNO */
			{ 0x06, 0, 0, 0x7fff0000 },              /* SECCOMP_RET_ALLOW */
		};
		struct bpf_program program = { sizeof code / sizeof *code, code };
		if (prctl(PR_SET_SECCOMP, FILTER, &program) != 0)
			exit(77);
	}
}

static void kernel_says(void *error)
{
	answer_adjtimex(*(unsigned *)error);
	exit(10 + (int)clock_witness());
}

/* What the kernel says is kept for the rest of the second, and no longer. */
static void kernel_changes(void *arg)
{
	(void)arg;
	int64_t before = now_boot();
	enum clock_witness first = clock_witness();
	answer_adjtimex(0);
	enum clock_witness second = clock_witness();
	if (now_boot() == before && second != first)
		exit(1);
	while (now_boot() <= before + 1)
		usleep(20000);
	exit(clock_witness() == CLOCK_KERNEL ? 0 : 2);
}

static void kernel_answers(void)
{
	unsigned synchronised = 0, forbidden = EPERM;
	is_int(dies(kernel_says, &synchronised), 10 + CLOCK_KERNEL, "a synchronised clock is vouched for");
	is_int(dies(kernel_changes, NULL), 0, "it is asked once a second, and then again");
	/* Not in the second in which they are over. */
	while (now_boot() >= 895 && now_boot() < 905)
		usleep(20000);
	is_int(dies(kernel_says, &forbidden), 10 + (now_boot() >= 900 ? CLOCK_UPTIME : CLOCK_NOBODY), "where one may not ask, 15 minutes up count");
	ok(clock_witness() != CLOCK_NOBODY || now_boot() < 900, "as they do where nobody disciplines it");
}

int main(void)
{
	not_in("cross", "qemu-user takes no seccomp filter, which stands in for adjtimex(2)");
	kernel_answers();
	return done_testing();
}
