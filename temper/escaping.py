r"""Names of files and labels where they could be taken for something else: terminals, JSON, tables, Markdown.

A file name may contain every byte but / and zero: line breaks that forge a result, codes that a terminal obeys, bytes
that are no text, and what a spreadsheet takes for a formula.
"""

import re
import unicodedata

# Joiners, which words and emoji of several characters need.
JOINERS = "\u200c\u200d"
# Python stores a byte of a name that is not UTF-8 as a surrogate (PEP 383).
SURROGATE = re.compile("[\ud800-\udfff]")
FIRST_BYTE_SURROGATE, LAST_BYTE_SURROGATE = 0xDC80, 0xDCFF
ESCAPED = re.compile(r"\\(\\|x[0-9a-f]{2}|ud[89a-f][0-9a-f]{2})")
BYTE = re.compile(r"\\(?:x[0-9a-f]{2}|ud[89a-f][0-9a-f]{2})")
# Where a cell begins with one of these, a spreadsheet computes it (OWASP, "CSV Injection").
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
QUOTE = "'"
MARKDOWN = re.compile(r"([\\`*_\[\]|])")


def visible(text: str, allowed: str = "") -> str:
    r"""Text for a terminal, in one line: codes, line breaks and changes of direction are written as escapes.

    allowed: control characters that stay.

    >>> print(visible("a\x1b[2J.jpg: dog\nb.jpg"))
    a\x1b[2J.jpg: dog\nb.jpg
    """
    if text.isprintable():
        return text
    return "".join(each if _is_visible(each) or each in allowed else _escape(each) for each in text)


def stored_name(name: str) -> str:
    r"""A file name as text that can be stored as UTF-8; `original_name` gives the name back.

    A byte that is no text is written as \xe9. Only names with such a byte, or with text that looks like one, are
    changed: in these, a backslash is doubled.

    >>> print(stored_name("caf\udce9.jpg"), stored_name(r"C:\photos\a.jpg"))
    caf\xe9.jpg C:\photos\a.jpg
    """
    if not SURROGATE.search(name) and not BYTE.search(name):
        return name
    return SURROGATE.sub(lambda match: _escape(match[0]), name.replace("\\", "\\\\"))


def original_name(text: str) -> str:
    r"""The name that `stored_name` was given.

    >>> original_name(r"caf\xe9.jpg") == "caf\udce9.jpg"
    True
    """
    return ESCAPED.sub(_unescape, text) if BYTE.search(text) else text


def csv_cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe before what looks like one, or begins with one.

    >>> csv_cell("=1+2.jpg"), csv_cell("a.jpg")
    ("'=1+2.jpg", 'a.jpg')
    """
    return QUOTE + text if text.startswith((*FORMULA_STARTS, QUOTE)) else text


def csv_text(cell: str) -> str:
    """The text that `csv_cell` was given."""
    return cell.removeprefix(QUOTE)


def in_markdown(text: str) -> str:
    r"""Text for a line or a cell of a Markdown table: neither markup nor HTML.

    >>> print(in_markdown("<img src=x>|*cat*"))
    &lt;img src=x&gt;\|\*cat\*
    """
    # Only reports need it.
    import html

    return html.escape(MARKDOWN.sub(r"\\\1", visible(text)), quote=False)


def _is_visible(character: str) -> bool:
    # Spaces other than U+0020 are not printable for Python; the names of screenshots have them.
    return character.isprintable() or character in JOINERS or unicodedata.category(character) == "Zs"


def _escape(character: str) -> str:
    code = ord(character)
    if FIRST_BYTE_SURROGATE <= code <= LAST_BYTE_SURROGATE:
        return f"\\x{code & 0xFF:02x}"
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _unescape(match: re.Match[str]) -> str:
    kind, digits = match[1][0], match[1][1:]
    if kind == "\\":
        return "\\"
    return chr(0xDC00 + int(digits, 16)) if kind == "x" else chr(int(digits, 16))
