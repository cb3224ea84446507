"""What a PostgreSQL says that lets nobody in yet: a few lines in its place."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import cycle

REFUSALS = (("57P03", "the database system is starting up"), ("53300", "sorry, too many clients already"))
"""SQLSTATEs and words (PostgreSQL, appendix A)."""
_ENCRYPTION = frozenset({80_877_103, 80_877_104})
"""The codes with which a client asks for TLS and for GSSAPI, before it says who it is."""


class RefusingPostgresql:
    """Answers whoever comes with one of `REFUSALS`, by turns."""

    def __init__(self, port: int) -> None:
        self._refusals = cycle(REFUSALS)
        self._server = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._serve, name="refusing postgresql", daemon=True).start()

    def close(self) -> None:
        """Free the port."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._server.accept()
                with closing(line), suppress(OSError, struct.error):
                    line.settimeout(5)
                    self._refuse(line)

    def _refuse(self, line: socket.socket) -> None:
        while True:
            length, code = struct.unpack(">II", line.recv(8, socket.MSG_WAITALL))
            if code not in _ENCRYPTION:
                break
            line.sendall(b"N")
        line.recv(length - 8, socket.MSG_WAITALL)
        state, words = next(self._refusals)
        fields = b"".join(
            f"{kind}{text}\0".encode() for kind, text in (("S", "FATAL"), ("C", state), ("M", words))
        )
        line.sendall(b"E" + struct.pack(">I", len(fields) + 5) + fields + b"\0")


@contextmanager
def refusing_postgresql(port: int) -> Iterator[RefusingPostgresql]:
    """One that listens on the port until the block ends."""
    server = RefusingPostgresql(port)
    try:
        yield server
    finally:
        server.close()
