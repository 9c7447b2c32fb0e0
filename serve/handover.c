/*
 * handover: see handover.h.
 */
#include "serve/handover.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A message: a byte that says how long the address is, the address, the bytes of the request. */
static char bytes[1 + HANDOVER_PEER_MAX + HANDOVER_ROOM];
static size_t held;                     /* of them, since they were wiped */

bool handover_send(int socket, int connection, struct slice peer, struct slice early)
{
	char n = (char)peer.n;
	union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr head; } control = { { 0 } };
	struct iovec parts[] = { { &n, 1 }, { (void *)(uintptr_t)peer.p, peer.n }, { (void *)(uintptr_t)early.p, early.n } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = sizeof parts / sizeof *parts, .msg_control = &control, .msg_controllen = sizeof control.room };
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &connection, sizeof(int));
	return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

bool handover_send_leaving(int socket)
{
	const pid_t pid = getpid();
	return send(socket, &pid, sizeof pid, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

bool handover_receive(int socket, struct handover_message *message)
{
	union { struct cmsghdr head; char room[CMSG_SPACE(sizeof(int))]; } control;
	struct iovec part = { bytes, sizeof bytes };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	ssize_t n = recvmsg(socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	*message = (struct handover_message){ .fd = -1 };
	if (n <= 0)
		return false;
	held = (size_t)n > held ? (size_t)n : held;
	const struct cmsghdr *rights = CMSG_FIRSTHDR(&m);
	if (rights)
		memcpy(&message->fd, CMSG_DATA(rights), sizeof(int));
	else if (n == sizeof message->pid)
		memcpy(&message->pid, bytes, sizeof message->pid);
	size_t peer = (size_t)*bytes < (size_t)n ? (size_t)*bytes : (size_t)n - 1;
	message->peer = (struct slice){ bytes + 1, peer };
	message->early = (struct slice){ bytes + 1 + peer, (size_t)n - 1 - peer };
	return true;
}

void handover_forget(void)
{
	wipe(bytes, held);
	held = 0;
}
