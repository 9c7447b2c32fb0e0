/*
 * cross_run: stands for an executable of another processor where the kernel can't start it itself
 * (binfmt_misc is often not there). Static, so that a test may copy it, link to it, name it in a
 * script's first line, or start it with an empty environment, as it may the product.
 * -DQEMU is qemu-user's path, -DPROGRAM the executable's.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	/* argv[0] stays what it was: latchkey looks at it. */
	const char *front[] = { QEMU, "-0", argc ? argv[0] : "", PROGRAM };
	enum { FRONT = sizeof front / sizeof *front };
	const char **all = malloc((FRONT + (size_t)argc + 1) * sizeof *all);
	if (!all)
		return 126;
	memcpy(all, front, sizeof front);
	for (int i = 1; i <= argc; i++)
		all[FRONT + i - 1] = argv[i];
	execv(QEMU, (char **)all);
	return 127;
}
