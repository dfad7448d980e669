"""Many watchers of one resource while it changes: how long until all of them have seen all of it."""
import selectors
import socket
import ssl
import time


MARK = b'"type":"MODIFIED"'


class Watcher:
    """One watch on a connection of its own (HTTP/1.1 over TLS)."""

    def __init__(self, server, path):
        raw = socket.create_connection(('127.0.0.1', server.port), timeout=30)
        self.socket = server.tls.wrap_socket(raw)
        self.socket.sendall(f'GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {server.token}\r\n\r\n'.encode())
        self.socket.setblocking(False)
        self.events = 0
        self.tail = b''

    def read(self):
        """Counts the events that have come; False when the server has ended the watch."""
        while True:
            try:
                data = self.socket.recv(65536)
            except (BlockingIOError, ssl.SSLWantReadError):
                return True
            if not data:
                return False
            data = self.tail + data
            self.events += data.count(MARK)
            self.tail = data[-(len(MARK) - 1):]  # shorter than a mark: nothing is counted twice


def measure(server, watchers, changes, path, change):
    """Seconds from the first change until every watcher has seen the last one. None may be cut off."""
    all_watchers = [Watcher(server, path) for _ in range(watchers)]
    selector = selectors.DefaultSelector()
    for watcher in all_watchers:
        selector.register(watcher.socket, selectors.EVENT_READ, watcher)
    begin = time.monotonic()
    for number in range(changes):
        change(number)
    waiting = watchers
    while waiting > 0:
        if time.monotonic() - begin > 60:
            raise SystemExit(f'{waiting} of {watchers} watchers have not seen all changes after a minute')
        for key, _ in selector.select(1):
            watcher = key.data
            if not watcher.read():
                raise SystemExit('the server has ended a watch')
            if watcher.events >= changes:
                selector.unregister(watcher.socket)
                waiting -= 1
    seconds = time.monotonic() - begin
    for watcher in all_watchers:
        watcher.socket.close()
    return seconds
