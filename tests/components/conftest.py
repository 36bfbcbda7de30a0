"""Imports the SDKs before any component does: they warn about resources that nobody here uses."""

import tests.mocks  # noqa: F401
