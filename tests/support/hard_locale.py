"""A locale that orders text as people do, in which a database orders wrongly unless it is told to go by code point.

Small machines have only such locales as go by code point, and the PostgreSQL wheels bring none of their own: in such a
database a forgotten `COLLATE "C"` would be seen by nobody. So it is made here, for one server.
"""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Mapping
from typing import Final

__all__ = ["LOCALE", "locale_command", "locale_files"]

LOCALE: Final = "casewright_TEST.UTF-8"
"""Its name; found where the environment variable LOCPATH says."""

CHARACTERS: Final = tuple(map(chr, (*range(0x80), *range(0xA0, 0x250))))
"""Those that it has an order for; the others come after them."""


def locale_files() -> Mapping[str, str]:
    """Return the texts that the locale is made from, by the names of their files."""
    encoded = {char: "".join(f"/x{byte:02x}" for byte in char.encode()) for char in CHARACTERS}
    mapped = [f"{_symbol(char)} {code} c" for char, code in encoded.items()]
    charmap = ["<code_set_name> UTF-8", "<comment_char> %", "<escape_char> /", "<mb_cur_min> 1", "<mb_cur_max> 6"]
    order = [_symbol(char) for char in sorted(CHARACTERS, key=_as_people_do)]
    return {
        "charmap": "\n".join([*charmap, "CHARMAP", *mapped, "END CHARMAP\n"]),
        "order": "\n".join(["LC_COLLATE", "order_start forward", *order, "UNDEFINED", "order_end", "END LC_COLLATE\n"]),
    }


def locale_command(folder: str) -> list[str] | None:
    """Return the program that makes the locale in the folder that holds the files; None where there is no such one."""
    program = shutil.which("localedef", path="/usr/bin:/bin:/usr/local/bin")
    made = f"{folder}/{LOCALE}"
    # It warns that the categories other than order are missing, and then makes them.
    shell = '"$0" --no-archive -c -i "$1/order" -f "$1/charmap" "$2"; test -e "$2/LC_COLLATE"'
    return None if program is None else ["/bin/sh", "-c", shell, program, folder, made]


def _symbol(char: str) -> str:
    return f"<U{ord(char):04X}>"


def _as_people_do(char: str) -> tuple[bool, str, str]:
    """Marks come before letters; a letter's case and accent matter less than which letter it is."""
    return char.isalnum(), unicodedata.normalize("NFD", char)[0].lower(), char
