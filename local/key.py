"""The key of one run of the emulator: what its clients sign with, and what its registry takes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
PREFIX = "LKIA"
"""AWS's begin with AKIA or ASIA: nobody takes this one for a key of an account."""

REGISTRY_USER = "AWS"


@dataclass(frozen=True)
class Key:
    """An access key as AWS has them; it never shows its secret half."""

    access_key_id: str
    secret_access_key: str = field(repr=False)

    @classmethod
    def new(cls) -> Key:
        return cls(PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(16)), secrets.token_urlsafe(30))

    @property
    def registry_password(self) -> str:
        """What ECR's GetAuthorizationToken gives for this key. It opens the image registry, nothing else."""
        return hmac.new(self.secret_access_key.encode(), b"registry", hashlib.sha256).hexdigest()
