"""Text from elsewhere, for a terminal or the log of a job: shown, and obeyed by nobody."""

import re

_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")
"""https://www.ecma-international.org/publications-and-standards/standards/ecma-48/"""

_COMMAND = re.compile(r"^(\s*):(?=:)|##(?=\[)")
"""What GitHub's runner takes for a command: `::` at the start, behind blanks too, and the older `##[` anywhere.
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands"""


def printable(text: str) -> str:
    """The text on one line: colours are left out, other control and invisible characters are shown as escapes."""
    line = _ESCAPE_SEQUENCE.sub("", text).rstrip()
    shown = "".join(sign if sign.isprintable() else " " if sign.isspace() else _escaped(sign) for sign in line)
    return _COMMAND.sub(lambda found: f"{found[0]} ", shown)


def _escaped(sign: str) -> str:
    return f"\\u{ord(sign):04x}"
