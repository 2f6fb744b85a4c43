"""The chosen cases among the shipped test vectors: limits, look-alikes and everything that must be refused (H4, S2)."""

from __future__ import annotations

import json
from typing import Any, Final

ABOUT: Final = (
    "Test vectors of casewright's canonical JSON and of the digests taken of it, after the manner of Wycheproof.",
    "json is JSON text; hex is bytes that should be JSON; runs is JSON text in parts, each with how often it comes.",
    "A valid value has one canonical text; sha256 is the digest of its UTF-8 bytes. An invalid one must be refused.",
    "A digest is SHA-256 over tag, newline and text. The tags: casewright.event.v1; casewright.payload.v1, then salt",
    "and newline; casewright.note.v1. An invalid header, payload or note is refused, or its digest is another one.",
)

FLAGS: Final = {
    "Deep": "nested deeper than 16 levels",
    "DuplicateKey": "an object names one key twice",
    "Encoding": "the bytes are no UTF-8",
    "Float": "a number with a fraction, an exponent, or that is no number",
    "Forged": "the digest is that of something else",
    "LargeInteger": "beyond 64 bits, signed",
    "Limit": "just within a limit",
    "LoneSurrogate": "text that no UTF-8 can hold",
    "NaiveTime": "a time without an offset",
    "NoTime": "no ISO 8601 time, or one outside the years 1 to 9999 in UTC",
    "Nul": "text with U+0000",
    "Order": "keys whose order differs between code points and UTF-16",
    "Syntax": "no JSON; other parsers may let it pass",
    "TooLarge": "more than 65,536 bytes of canonical text",
    "Unicode": "text that must come out as it went in, without normalisation",
}

_MAX: Final = 2**63 - 1
GOOD_VALUES: Final[tuple[Any, ...]] = (
    ("null", "null", None),
    ("true", "true", True),
    ("false", " false ", False),
    ("zero", "0", 0),
    ("minus zero is zero", "-0", 0),
    ("largest integer", "9223372036854775807", _MAX, "Limit"),
    ("smallest integer", "-9223372036854775808", -_MAX - 1, "Limit"),
    ("beyond what a double can hold", "[9007199254740993]", [2**53 + 1]),
    ("empty text", '""', ""),
    ("empty list", "[ ]", []),
    ("empty object", "{\n}", {}),
    ("true is not 1", "[true, 1, false, 0]", [True, 1, False, 0]),
    ("white space around", "\t\r\n {} \n", {}),
    ("every short escape", r'"\"\\\/\b\f\n\r\t"', '"\\/\b\f\n\r\t'),
    ("every control character but NUL", json.dumps("".join(map(chr, range(1, 32)))), "".join(map(chr, range(1, 32)))),
    ("delete and C1 are not escaped", '"\\u007f\\u0080\\u009f"', "\x7f\x80\x9f"),
    ("an escaped letter", r'"\u0041\u00e9"', "A\u00e9", "Unicode"),
    ("line separators are not escaped", '"\u2028\\u2029"', "\u2028\u2029", "Unicode"),
    ("an escaped pair", r'"\ud83d\ude42\uD800\uDF48"', "\U0001f642\U00010348", "Unicode"),
    ("the last code point", '"\U0010ffff"', "\U0010ffff", "Unicode"),
    ("non-characters", r'"\ufffe\uffff\ufdd0"', "\ufffe\uffff\ufdd0", "Unicode"),
    ("composed", '"\u00e9"', "\u00e9", "Unicode"),
    ("decomposed", '"e\u0301"', "e\u0301", "Unicode"),
    ("compatibility characters", '"\ufb01\u212b\u2126"', "\ufb01\u212b\u2126", "Unicode"),
    ("byte order mark within text", r'"\ufeff"', "\ufeff", "Unicode"),
    ("keys sorted by code point", '{"b":1,"a":2,"A":3,"":4,"aa":5}', {"b": 1, "a": 2, "A": 3, "": 4, "aa": 5}),
    ("not by UTF-16", '{"\U0001f600":1,"\ufb33":2}', {"\U0001f600": 1, "\ufb33": 2}, "Order"),
    (
        "escaped keys too",
        r'{"\ud83d\ude00":1,"\ufb33":2,"\u20ac":3}',
        {"\U0001f600": 1, "\ufb33": 2, "\u20ac": 3},
        "Order",
    ),
    ("numbers as keys", '{"10":1,"9":2,"-1":3}', {"10": 1, "9": 2, "-1": 3}),
    ("keys that differ by case", '{"K":1,"k":2,"\u212a":3}', {"K": 1, "k": 2, "\u212a": 3}),
    ("keys that differ by normal form", '{"e\u0301":1,"\u00e9":2}', {"e\u0301": 1, "\u00e9": 2}, "Unicode"),
    ("sorted at every depth", '[{"b":{"d":1,"c":2},"a":[]}]', [{"b": {"d": 1, "c": 2}, "a": []}]),
)
GOOD_RUNS: Final[tuple[Any, ...]] = (
    ("16 lists deep", [["[", 16], ["]", 16]]),
    ("16 objects deep", [['{"a":', 15], ["{}", 1], ["}", 15]]),
    ("65,536 bytes of ASCII in a list", [['["', 1], ["a", 65532], ['"]', 1]]),
    ("65,536 bytes of text in an object", [['{"k":"', 1], ["a", 65528], ['"}', 1]]),
    ("65,536 bytes, two for each character", [['["', 1], ["\u00e9", 32766], ['"]', 1]]),
    ("65,536 bytes, four for each character", [['["', 1], ["\U0001f642", 16382], ["a", 4], ['"]', 1]]),
    ("65,536 bytes of escapes", [['["', 1], ["\\n", 32766], ['"]', 1]]),
    ("65,536 bytes of text alone", [['"', 1], ["a", 65534], ['"', 1]]),
    ("many small parts", [["[", 1], ["0,", 32766], ["10]", 1]]),
    ("much white space around little", [[" ", 100000], ["1", 1], ["\n", 100000]]),
)

AROUND: Final = ("{}", "[{}]", '{"a":[1,{}]}')
ANYWHERE: Final = frozenset({"Float", "LargeInteger", "LoneSurrogate", "Nul", "DuplicateKey"})
BAD_VALUES: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    ("Float", "json", ("1.0", "0.1", "-0.0", "1e2", "1E400", "1e-400", "-1.5E+3", "NaN", "Infinity", "-Infinity")),
    ("LargeInteger", "json", ("9223372036854775808", "-9223372036854775809", "18446744073709551616", "9" * 20)),
    ("LargeInteger", "json", ("1" + "0" * 20, "-" + "9" * 40)),
    ("LoneSurrogate", "json", (r'"\ud800"', r'"\udfff"', r'"\ude42\ud83d"', r'"a\ud83d"', r'"\ud83d\ud83d\ude42"')),
    ("LoneSurrogate", "json", (r'{"\udc00":1}',)),
    ("LoneSurrogate", "hex", (b'"\xed\xa0\x80"'.hex(), b'"\xed\xa0\xbd\xed\xb9\x82"'.hex())),
    ("Nul", "json", (r'"\u0000"', r'"a\u0000b"', r'{"\u0000":1}', r'{"a\u0000":"b"}')),
    ("DuplicateKey", "json", ('{"a":1,"a":1}', '{"a":1,"b":2,"a":null}', r'{"a":1,"\u0061":2}', '{"":0,"":0}')),
    ("DuplicateKey", "json", ('{"\u00e9":1,"\\u00e9":1}',)),
    ("Syntax", "json", ("", " ", "[1,]", '{"a":1,}', "[,1]", '{"a"}', "{a:1}", "{'a':1}", "'a'", '"a', "[1", '{"a":1')),
    (
        "Syntax",
        "json",
        ("[1 2]", "1 2", "{}{}", "[]]", "nul", "True", "None", "undefined", "// 1", "1 /* one */", "#1"),
    ),
    ("Syntax", "json", ("01", "-", "+1", ".5", "1.", "0x10", "1_000", "1n", "--1", "\u0661", "1,000")),
    ("Syntax", "json", (r'"\x41"', r'"\u12"', r'"\u{41}"', r'"\a"', '"\t"', '"a\nb"', '"\x01"', "\ufeff1", "\u00a01")),
    ("Encoding", "hex", ("ff", b'"\xff"'.hex(), b'"\xc0\x80"'.hex(), b'"\xe9"'.hex(), b'"\xf5\x80\x80\x80"'.hex())),
    (
        "Encoding",
        "hex",
        (b"\xff\xfe[\x001\x00]\x00".hex(), "[1]".encode("utf-16-le").hex(), "[1]".encode("utf-16-be").hex()),
    ),
    (
        "Encoding",
        "hex",
        (b"\xff\xfe\x00\x00[\0\0\x001\0\0\0]\0\0\0".hex(), "[1]".encode("utf-32-le").hex(), b"\xef\xbb\xbf[1]".hex()),
    ),
)
BAD_RUNS: Final[tuple[tuple[str, str, list[list[Any]]], ...]] = (
    ("LargeInteger", "5,000 digits", [["9", 5000]]),
    ("LargeInteger", "5,000 digits, negative, within", [['{"a":[-', 1], ["1", 5000], ["]}", 1]]),
    ("LargeInteger", "a million digits", [["1", 1000000]]),
    ("Deep", "17 lists", [["[", 17], ["]", 17]]),
    ("Deep", "17 objects", [['{"a":', 17], ["1", 1], ["}", 17]]),
    ("Deep", "17, lists and objects in turn", [['[{"a":', 8], ["[]", 1], ["}]", 8]]),
    ("Deep", "500 lists", [["[", 500], ["]", 500]]),
    ("Deep", "100,000 lists", [["[", 100000], ["]", 100000]]),
    ("Deep", "100,000 objects", [['{"a":', 100000], ["1", 1], ["}", 100000]]),
    ("Syntax", "100,000 lists that do not end", [["[", 100000]]),
    ("TooLarge", "one byte too many in a list", [['["', 1], ["a", 65533], ['"]', 1]]),
    ("TooLarge", "one byte too many in an object", [['{"k":"', 1], ["a", 65529], ['"}', 1]]),
    ("TooLarge", "one byte too many in a key", [['{"', 1], ["k", 65531], ['":1}', 1]]),
    ("TooLarge", "few characters of three bytes", [['["', 1], ["\u20ac", 30000], ['"]', 1]]),
    ("TooLarge", "few characters that are escaped", [['["', 1], ["\\u0001", 11000], ['"]', 1]]),
    ("TooLarge", "one byte too many of text alone", [['"', 1], ["a", 65535], ['"', 1]]),
    ("TooLarge", "text alone, three bytes for each character", [['"', 1], ["\u20ac", 30000], ['"', 1]]),
    ("TooLarge", "many small parts", [["[", 1], ["0,", 40000], ["0]", 1]]),
    ("TooLarge", "many empty parts", [["[", 1], ["[],", 40000], ["[]]", 1]]),
    ("TooLarge", "10 MB of text", [['"', 1], ["a", 10000000], ['"', 1]]),
    ("TooLarge", "10 MB of numbers", [["[", 1], ["1234567,", 1250000], ["1]", 1]]),
)


GOOD_TIMES: Final = (
    ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z"),
    ("2026-01-31 12:00:00.5+00:00", "2026-01-31T12:00:00.500000Z"),
    ("2026-01-31T12:00+02:00", "2026-01-31T10:00:00.000000Z"),
    ("20260131T120000.000001-0330", "2026-01-31T15:30:00.000001Z"),
    ("2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00.123456Z"),
    ("2025-12-31T23:59:59.999999-00:01", "2026-01-01T00:00:59.999999Z"),
    ("2024-02-29T00:30:00+01:00", "2024-02-28T23:30:00.000000Z"),
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    ("0001-01-02T00:00:00+23:59", "0001-01-01T00:01:00.000000Z"),
    ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ("1883-11-18T12:03:58+00:00:02.5", "1883-11-18T12:03:55.500000Z"),
)
NAIVE_TIMES: Final = ("2026-01-31T12:00:00", "2026-01-31", "2026-01-31T12", "20260131T120000", "2026-W05-6T12:00")
NO_TIMES: Final = (
    *(
        "",
        " ",
        "now",
        "12:00:00Z",
        "1769860800",
        "2026-02-30T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-01-31T25:00:00Z",
    ),
    *("2026-01-31T12:00:60Z", "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+1", "2026-01-31T12:00:00Q"),
    *("26-01-31T12:00:00Z", "10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01"),
    *("9999-12-31T23:59:59.999999-00:01", "\uff12026-01-31T12:00:00Z", "2026-01-31T12:00:00Z\n", "2026" + "0" * 120),
)
