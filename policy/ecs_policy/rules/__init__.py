"""One module a family. A module here is found by itself; nothing lists it."""
