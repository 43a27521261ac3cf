"""A proxy before an AWS endpoint that lets chosen requests fail as AWS lets them fail, and counts all of them.

Real HTTP on both sides: what a test sees is what boto3 and obstore make of a real answer.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Seen:
    """A request that went by: Glue and Athena name what they want in ``target``, S3 in method and path."""

    method: str
    path: str
    target: str
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """An answer in the endpoint's place, with headers of its own where a rule asked the endpoint itself."""

    status: int
    body: bytes = b""
    content_type: str = "application/xml"
    headers: dict[str, str] = field(default_factory=dict)


def s3_error(status: int, code: str) -> Answer:
    """An S3 error as AWS spells it."""
    return Answer(status, f"<Error><Code>{code}</Code><Message>as the test wants it</Message></Error>".encode())


def slow_down() -> Answer:
    """S3's throttling."""
    return s3_error(503, "SlowDown")


def access_denied() -> Answer:
    """S3's refusal."""
    return s3_error(403, "AccessDenied")


def json_error(status: int, code: str) -> Answer:
    """An error of Glue or Athena."""
    return Answer(
        status, f'{{"__type":"{code}","message":"as the test wants it"}}'.encode(), "application/x-amz-json-1.1"
    )


# Given a request, the answer in the endpoint's place; None lets it through.
Rule = Callable[[Seen], Answer | None]


@dataclass
class AwsProxy:
    """A running proxy.

    Attributes:
        url: Where it listens.
        rules: What is to fail; the first answer wins. A test appends to it and removes from it as it likes.
        seen: Every request, in the order of arrival.
        in_flight: Requests that are not answered yet; what a killed client asked for takes effect all the same.
    """

    url: str
    rules: list[Rule] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    in_flight: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Counts a request as long as it is not answered."""
        with self.lock:
            self.in_flight += 1
        try:
            yield
        finally:
            with self.lock:
                self.in_flight -= 1

    def settle(self, quiet: float = 0.2) -> None:
        """Waits until everything that a killed client has sent is answered: some of it is read after its death."""
        known, since = -1, time.monotonic()
        while self.in_flight or time.monotonic() - since < quiet:
            if len(self.seen) != known:
                known, since = len(self.seen), time.monotonic()
            time.sleep(0.01)

    def count(self, method: str, part: str = "") -> int:
        """How many requests of a method had this in their path or target."""
        return sum(each.method == method and (part in each.path or part in each.target) for each in self.seen)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: AwsProxy
    host: str

    def _answer(self) -> None:
        with self.proxy.answering():
            self._pass_on()

    def _pass_on(self) -> None:
        body = self._body()
        if len(body) < int(self.headers.get("Content-Length") or 0):
            # The client died in the middle of it: no server acts on half a request.
            self.close_connection = True
            return
        seen = Seen(self.command, self.path, self.headers.get("X-Amz-Target", ""), body, dict(self.headers.items()))
        self.proxy.seen.append(seen)
        answer = next((found for rule in list(self.proxy.rules) if (found := rule(seen))), None)
        if answer is not None:
            headers = answer.headers or {"Content-Type": answer.content_type}
            self._send(answer.status, headers, answer.body, known=answer.headers.get("Content-Length"))
            return
        connection = http.client.HTTPConnection(self.host, timeout=60)
        # The Host header goes on as the client signed it.
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in {"connection", "transfer-encoding", "expect"}:
                connection.putheader(name, value)
        connection.endheaders(body)
        found = connection.getresponse()
        self._send(found.status, dict(found.getheaders()), found.read(), known=found.getheader("Content-Length"))
        connection.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815 - the names of http.server

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, status: int, headers: dict[str, str], body: bytes, known: str | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        # An answer to HEAD tells a length and has no body.
        self.send_header("Content-Length", known if self.command == "HEAD" and known else str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Says nothing."""


@contextmanager
def aws_proxy(endpoint_url: str) -> Iterator[AwsProxy]:
    """Runs a proxy before an endpoint for the block."""
    proxy = AwsProxy("")
    handler = type("Handler", (_Handler,), {"proxy": proxy, "host": urlsplit(endpoint_url).netloc})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
