"""Text from elsewhere in a terminal and in the log of a job."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET / 200  ok", "GET / 200  ok"),
        ("日本 é 🟢 [a](b)", "日本 é 🟢 [a](b)"),
        ("\x1b[1;31mred\x1b[0m and \x1b]8;;https://evil.example\x07a link\x1b]8;;\x1b\\", "red and a link"),
        ("a\x08\x00b\u202ec\u200b", "a\\u0008\\u0000b\\u202ec\\u200b"),
        ("first\n::error::a\r\n\tlast\u2028end\n", "first ::error::a   last end"),
        ("::add-mask::a", ": :add-mask::a"),
        (" \t ::stop-commands::a", "   : :stop-commands::a"),
        ("\x1b[0m::error::a", ": :error::a"),
        ("a ##[error]b", "a ## [error]b"),
        ("Module::Class #1 ## [", "Module::Class #1 ## ["),
    ],
)
def test_it_is_shown_and_obeyed_by_nobody(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text() | st.lists(st.sampled_from(["::", " ", "#", "[", "\x1b[", "\x1b", "m", "\n"])).map("".join))
def test_no_text_is_a_command(text: str) -> None:
    line = printable(text)
    assert line.isprintable()
    assert not line.lstrip().startswith("::")
    assert "##[" not in line
