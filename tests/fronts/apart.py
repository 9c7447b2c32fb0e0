#!/usr/bin/env python3
"""apart.py PORT HOST SERVER-PORT: passes each connection on to a server, the body of its request apart from the head.

mini_httpd 1.30 answers a POST only where the body isn't there yet when it reads the head (docs/servers/mini_httpd.md). Time can't hold
them apart: on a busy machine the server reads late. So the body waits until the kernel says that the server has read the head.
"""
import socket
import sys
import threading
import time


def unread(server, client):
    """How many bytes lie unread at the server's end of a connection between these two ports."""
    for table in '/proc/net/tcp', '/proc/net/tcp6':
        with open(table, encoding='ascii') as rows:
            for row in list(rows)[1:]:
                _, here, there, _, queues = row.split()[:5]
                if int(here.split(':')[1], 16) == server and int(there.split(':')[1], 16) == client:
                    return int(queues.split(':')[1], 16)
    return 0


def head_of(client):
    """What came, up to the end of the head at least, or to the end of all."""
    came = b''
    while b'\r\n\r\n' not in came:
        more = client.recv(65536)
        if not more:
            break
        came += more
    at = came.find(b'\r\n\r\n') + 4
    return came[:at], came[at:]


def answers(server, client):
    """The answer, to its end."""
    while piece := server.recv(65536):
        client.sendall(piece)
    client.shutdown(socket.SHUT_WR)


def pass_on(client, host, port):
    with client, socket.create_connection((host, port)) as server:
        head, rest = head_of(client)
        server.sendall(head)
        until = time.monotonic() + 60
        while unread(port, server.getsockname()[1]) and time.monotonic() < until:
            time.sleep(0.002)
        back = threading.Thread(target=answers, args=(server, client))
        back.start()
        while rest:
            server.sendall(rest)
            rest = client.recv(65536)
        back.join()


def quietly(*args):
    """Who closes early is no error of ours."""
    try:
        pass_on(*args)
    except OSError:
        pass


def main():
    port, host, server = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    with socket.create_server(('127.0.0.1', port)) as listener:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=quietly, args=(client, host, server), daemon=True).start()


main()
