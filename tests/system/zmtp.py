"""Just enough of the ZeroMQ wire protocol (ZMTP 3.0, NULL security) to be a bad neighbour.

The greeting and the handshake are right, so that what follows reaches the daemon's own decoder.
"""

import socket

_GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL" + bytes(16) + b"\x00" + bytes(31)
_MORE, _LONG, _COMMAND = 1, 2, 4


def _property(name, value):
    return bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value


class RawPeer:
    """A DEALER that sends whatever it is told to."""

    def __init__(self, connected_socket):
        self.socket = connected_socket
        self.socket.settimeout(5)

    @classmethod
    def to_unix(cls, path):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(path))
        return cls(connection)

    @classmethod
    def to_tcp(cls, port):
        return cls(socket.create_connection(("127.0.0.1", port)))

    def greet(self):
        self.socket.sendall(_GREETING)
        ready = b"\x05READY" + _property(b"Socket-Type", b"DEALER") + _property(b"Identity", b"")
        self.socket.sendall(bytes([_COMMAND, len(ready)]) + ready)
        self._receive(len(_GREETING))
        return self

    def _receive(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionError("closed during the handshake")
            data += part

    def frame(self, body, more=False):
        flags = (_MORE if more else 0) | (_LONG if len(body) > 255 else 0)
        size = len(body).to_bytes(8 if flags & _LONG else 1, "big")
        self.socket.sendall(bytes([flags]) + size + body)

    def raw(self, data):
        self.socket.sendall(data)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
