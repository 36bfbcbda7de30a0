"""A registry on loopback with one image in it: as much of the distribution protocol as asking for a digest takes.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Registry:
    """Has `base:<tag>`, an image of two platforms, until another release of it is pushed."""

    def __init__(self, port: int) -> None:
        self.image = f"127.0.0.1:{port}/base:1"
        self.release("first")

    def release(self, name: str) -> None:
        """Moves the tag."""
        manifests = [
            {
                "mediaType": MANIFEST,
                "digest": _digest(f"{name} {architecture}".encode()),
                "size": 500,
                "platform": {"os": "linux", "architecture": architecture},
            }
            for architecture in ("amd64", "arm64")
        ]
        self.body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()

    @property
    def digest(self) -> str:
        return _digest(self.body)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@contextlib.contextmanager
def running() -> Iterator[Registry]:
    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            known = self.path in ("/v2/base/manifests/1", f"/v2/base/manifests/{registry.digest}")
            body = registry.body if known else b"{}"
            self.send_response(200 if known or self.path == "/v2/" else 404)
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
            self.send_header("Content-Type", INDEX if known else "application/json")
            self.send_header("Content-Length", str(len(body)))
            if known:
                self.send_header("Docker-Content-Digest", registry.digest)
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry = Registry(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
