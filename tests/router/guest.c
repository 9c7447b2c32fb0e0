/* guest.c: what a guest needs and busybox lacks.
 *
 *   guest append DIR   appends lines to files in DIR, syncs, and only then prints which line of which file it
 *                      was; for ever. What was printed must be there after a power cut.
 *   guest attach       attaches UBI to mtd0, and makes a volume "data" of all of it unless there is one
 *   guest slots N PORT PROGRAM...    a web server's slots, as uhttpd has for its scripts: serves PORT by PROGRAM, one
 *                      process for each connection, N of them at once; others wait
 *   guest cost PROGRAM...    runs it, less what an empty one costs: prints nanoseconds and its peak in KiB. Where
 *                      qemu counts instructions (-icount shift=0), a nanosecond is one of them
 *
 * Ends with 1 where something fails, after a line that says what. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINES 50 /* of one file */

static int failed(const char *what)
{
	printf("guest: %s: %s\n", what, strerror(errno));
	return 1;
}

static int sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return -1;
	int error = fsync(fd);
	close(fd);
	return error;
}

/* One line, on the disk when this returns 0. */
static int line(const char *directory, unsigned file, unsigned number)
{
	char name[300], text[64];
	snprintf(name, sizeof name, "%s/%u", directory, file);
	int length = snprintf(text, sizeof text, "line %u of %u\n", number, file);
	int fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0)
		return -1;
	int error = write(fd, text, (size_t)length) == length ? fsync(fd) : -1;
	close(fd);
	return error || number > 1 ? error : sync_directory(directory);
}

static int append(const char *directory)
{
	if (mkdir(directory, 0700) && errno != EEXIST)
		return failed(directory);
	if (sync_directory("/data"))
		return failed("/data");
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned file = 1;; file++)
		for (unsigned number = 1; number <= LINES; number++) {
			if (line(directory, file, number))
				return failed("append");
			printf("line %u of %u\n", number, file);
		}
}

/* UBI's requests, as linux/ubi's user interface has them. */
struct attach {
	int32_t ubi, mtd, offset;
	int16_t beb_limit;
	int8_t padding[10];
};
struct volume {
	int32_t id, alignment;
	int64_t bytes;
	int8_t type;
	uint8_t flags;
	int16_t name_length;
	int8_t padding[4];
	char name[128];
} __attribute__((packed));
#define UBI_ATTACH (int)_IOW('o', 64, struct attach)
#define UBI_VOLUME (int)_IOW('o', 0, struct volume)

static long long number_in(const char *path)
{
	char text[32] = "";
	FILE *f = fopen(path, "r");
	if (!f)
		return -1;
	long long n = fgets(text, sizeof text, f) ? atoll(text) : -1;
	fclose(f);
	return n;
}

static int attach(void)
{
	struct attach request = {.ubi = 0, .mtd = 0};
	int control = open("/dev/ubi_ctrl", O_RDONLY);
	if (control < 0 || ioctl(control, UBI_ATTACH, &request))
		return failed("attach");
	close(control);
	if (!access("/sys/class/ubi/ubi0_0", F_OK))
		return 0;
	struct volume volume = {.alignment = 1, .type = 3 /* dynamic */, .name_length = 4, .name = "data"};
	volume.bytes = number_in("/sys/class/ubi/ubi0/avail_eraseblocks") * number_in("/sys/class/ubi/ubi0/eraseblock_size");
	int device = open("/dev/ubi0", O_RDONLY);
	if (device < 0 || ioctl(device, UBI_VOLUME, &volume))
		return failed("volume");
	close(device);
	return 0;
}

static int listener(int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 32))
		return -1;
	return fd;
}

static int slots(int free_slots, int port, char **program)
{
	int door = listener(port);
	if (door < 0)
		return failed("slots");
	for (;;) {
		while (waitpid(-1, NULL, free_slots ? WNOHANG : 0) > 0)
			free_slots++;
		int peer = accept(door, NULL, NULL);
		if (peer < 0)
			continue;
		free_slots--;
		if (fork() == 0) {
			dup2(peer, 0);
			dup2(peer, 1);
			execvp(*program, program);
			_exit(127);
		}
		close(peer);
	}
}

/* Nanoseconds that a child takes which runs PROGRAM, or ends at once where there is none. */
static long long run(char **program, long *peak)
{
	struct timespec from, to;
	struct rusage used;
	clock_gettime(CLOCK_MONOTONIC, &from);
	pid_t child = fork();
	if (child == 0) {
		if (program)
			execv(*program, program);
		_exit(program ? 127 : 0);
	}
	wait4(child, NULL, 0, &used);
	clock_gettime(CLOCK_MONOTONIC, &to);
	*peak = used.ru_maxrss;
	return (to.tv_sec - from.tv_sec) * 1000000000LL + to.tv_nsec - from.tv_nsec;
}

static int cost(char **program)
{
	long peak;
	long long empty = run(NULL, &peak), took = run(program, &peak);
	fprintf(stderr, "cost %lld %ld\n", took - empty, peak);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "append"))
		return append(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "attach"))
		return attach();
	if (argc > 4 && !strcmp(argv[1], "slots"))
		return slots(atoi(argv[2]), atoi(argv[3]), argv + 4);
	if (argc > 2 && !strcmp(argv[1], "cost"))
		return cost(argv + 2);
	printf("guest: append DIR, attach, slots N PORT PROGRAM..., or cost PROGRAM...\n");
	return 1;
}
