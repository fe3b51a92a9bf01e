"""A peer of the function that follows a script: what no well-behaved server would do."""

import socketserver
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
CLOSE = b""
"""In the place of an answer: the connection is closed."""

Answer = bytes | Iterable[bytes]


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """headers: `Retry_After` stands for `Retry-After`."""
    lines = {"Content-Length": str(len(body))} | {n.replace("_", "-"): v for n, v in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} Status\r\n{head}\r\n".encode() + body


class Peer(socketserver.ThreadingTCPServer):
    """Answers each request with the next of the answers; after the last it says nothing more.

    An answer that is an iterable is sent piece by piece, as they come.
    connections: how many there were. requests: what was received, as it came.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answers: Iterable[Answer], certificate: Path | None) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.answers = iter(answers)
        self.connections = 0
        self.requests: list[bytes] = []
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.url = f"{'https' if certificate else 'http'}://{self.address}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away, or that refuses the certificate, is part of the script."""


class _Connection(socketserver.StreamRequestHandler):
    server: Peer

    def handle(self) -> None:
        self.server.connections += 1
        while request := self._request():
            self.server.requests.append(request)
            said = next(self.server.answers, None)
            if said is None:
                self.rfile.read()  # until the client gives up
            if not said:
                return
            for piece in [said] if isinstance(said, bytes) else said:
                self.wfile.write(piece)

    def _request(self) -> bytes:
        head = b""
        while (line := self.rfile.readline()) not in {b"", b"\r\n"}:
            head += line
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        return head + self.rfile.read(int(lengths[0].partition(b":")[2]) if lengths else 0)


@contextmanager
def peer(*answers: Answer, certificate: Path | None = None) -> Iterator[Peer]:
    """certificate: with its key, in one PEM file; then the peer speaks TLS."""
    with Peer(answers, certificate) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        try:
            yield server
        finally:
            server.shutdown()
            serving.join()
