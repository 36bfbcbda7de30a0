"""The provider protocol for AWS."""

from __future__ import annotations

from local.providers.server import Provider


class AwsProvider(Provider):
    version = "7.51.1"
