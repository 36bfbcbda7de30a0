"""The AWS API of the emulator. Imports of botocore and its clients are made when needed, or in the background."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local.providers.server import ProviderError

if TYPE_CHECKING:
    from botocore.session import Session

OFFLINE_ACCOUNT = "000000000000"
USED_AT_ONCE = ("ec2", "ecs", "elbv2", "iam", "ecr", "logs", "sts")
MAX_CONNECTIONS = 32


class Clients:
    """One client for each service and region, of the emulator that `environment` names with its key; or offline."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        endpoint = environment.get("AWS_ENDPOINT_URL") or None
        if endpoint and (urlsplit(endpoint).hostname or "").endswith(".amazonaws.com"):
            raise ProviderError(
                f"AWS_ENDPOINT_URL: got {endpoint}, expected the local emulator; use the official plugins for AWS"
            )
        self.endpoint = endpoint
        self._environment = environment
        self._session: Session | None = None
        self._session_lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._account: str | None = None

    @property
    def online(self) -> bool:
        return self.endpoint is not None

    def client(self, service: str, region: str) -> Any:
        if not self.online:
            raise ProviderError(
                f"{service}: no AWS endpoint; this is an offline preview, start the emulator with `make up` to create"
            )
        key = (service, region)
        with self._session_lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._clients:
                self._clients[key] = self._make(service, region)
            return self._clients[key]

    def _make(self, service: str, region: str) -> Any:
        from botocore.config import Config
        from botocore.session import get_session

        with self._session_lock:
            if self._session is None:
                self._session = get_session()
            session = self._session
        return session.create_client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            # Nothing else is looked for: credentials of an account must not travel to the emulator.
            aws_access_key_id=self._environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self._environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(
                max_pool_connections=MAX_CONNECTIONS,
                retries={"max_attempts": 5, "mode": "standard"},
                connect_timeout=5,
                read_timeout=120,
                s3={"addressing_style": "path"},
            ),
        )

    def account(self) -> str:
        if not self.online:
            return OFFLINE_ACCOUNT
        if self._account is None:
            self._account = str(self.client("sts", "us-east-1").get_caller_identity()["Account"])
        return self._account

    def prepare(self, region: str, services: Iterable[str] = USED_AT_ONCE) -> threading.Thread:
        """Makes clients in the background: reading the service models takes longer than all calls together."""

        def make_all() -> None:
            for service in services:
                self.client(service, region)

        thread = threading.Thread(target=make_all, daemon=True)
        thread.start()
        return thread
