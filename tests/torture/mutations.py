"""Valid inputs made wrong: at random, but by what is known of their form.

`changed(rng, seeds, kinds)` takes all its chance from a `random.Random`, so that a seed, Hypothesis (`st.randoms`) and
a fuzzer use the same changes. A kind is a function (rng, valid bytes) -> bytes.
"""

from __future__ import annotations

import io
import json
import sqlite3
import struct
import tomllib
import zipfile
from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from typing import Any

DEEP = "\ue000deep"  # stands for a value that is nested so deeply that writing it would be as hard as reading it
NESTED = "[" * 3000 + "]" * 3000
TEXTS = ("", " ", "\0", "../../x", "/etc/passwd", "a" * 5000, "<script>alert(1)</script>", "\ud800", "nan", "inf", "-1")
TEXTS += ("1e999", "9" * 5000, "'", '"', "{0}", "%s", "\n", "\u202e", "é" * 50, "os:system", "x.py:Y", "cell(width=-1)")
TEXTS += (
    "cell(width=10**9)",
    "(",
    "a(b",
    "a(b=1)(c=2)",
    "a+b",
    "+",
    ",",
    "=",
    ":",
    "?",
    "#",
    "CON",
    "~",
    "$HOME",
    "None",
)
NUMBERS = (0, 1, -1, 2, 255, 2**31, 2**63, 2**64, -(2**63), 10**30, 0.5, -0.0, 1e308, 1e-308)
NOT_FINITE = (float("nan"), float("inf"), float("-inf"))
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    [],
    {},
    [[]],
    [None],
    {"a": {"b": []}},
    DEEP,
    *NUMBERS,
    *NOT_FINITE,
    *TEXTS,
)
BYTES = (b"\0", b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x00" * 64, b"{", b"}", b'"', b"\n", b"\r", b"\xef\xbb\xbf", b"NaN")

Kind = Callable[[Random, bytes], bytes]


def changed(rng: Random, seeds: Sequence[bytes], kinds: Sequence[Kind]) -> bytes:
    """One of the seeds, changed once or a few times; now and then as it is, of two the halves, or nothing but noise."""
    data = rng.choice(seeds)
    what = rng.randrange(20)
    if what == 0:
        return data
    if what == 1:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(200)))
    if what == 2:
        other = rng.choice(seeds)
        return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        kind = rng.choice(kinds)
        try:
            data = kind(rng, data)
        except Exception:  # what was changed before is not of the form any more
            data = raw(rng, data)
    return data


def raw(rng: Random, data: bytes) -> bytes:
    """Bits turned, bytes put in, taken away, moved, cut off, and numbers made huge, wherever they are."""
    held = bytearray(data)
    at = rng.randrange(len(held) + 1)
    size = rng.choice((1, 2, 4, 8, 30, 200))
    what = rng.randrange(7)
    if what == 0 and held:
        held[rng.randrange(len(held))] ^= 1 << rng.randrange(8)
    elif what == 1:
        del held[at:]
    elif what == 2:
        del held[at : at + size]
    elif what == 3:
        held[at:at] = held[at : at + size] * rng.choice((1, 3, 50))
    elif what == 4:
        held[at:at] = rng.choice(BYTES)
    elif what == 5:
        number = rng.choice((0, 1, 2**16 - 1, 2**31, 2**32 - 1, 2**62, 2**64 - 1)).to_bytes(
            8, rng.choice(("little", "big"))
        )
        width = rng.choice((2, 4, 8))
        held[at : at + width] = number[:width]
    else:
        held[at : at + size] = bytes(rng.randrange(256) for _ in range(size))
    return bytes(held)


def text(rng: Random, data: bytes) -> bytes:
    """Lines, fields and words put in, doubled, taken away or replaced."""
    said = data.decode("utf-8", "replace")
    if rng.randrange(3) == 0:
        lines = said.splitlines(keepends=True) or [""]
        at = rng.randrange(len(lines))
        lines[at : at + 1] = rng.choice(([], [lines[at]] * 3, [lines[-1], lines[at]], [lines[at].strip()]))
        return "".join(lines).encode("utf-8", "replace")
    mark = rng.choice(",\t :=\n()+;")
    fields = said.split(mark)
    at = rng.randrange(len(fields))
    word = rng.choice((*TEXTS, *map(str, NUMBERS), *map(str, NOT_FINITE)))
    fields[at : at + 1] = rng.choice(([], [fields[at]] * 2, [word], [word], [fields[at] + word]))
    return mark.join(fields).encode("utf-8", "surrogatepass")


def in_json(rng: Random, data: bytes) -> bytes:
    return dump_json(altered(rng, json.loads(data)))


def in_toml(rng: Random, data: bytes) -> bytes:
    return "".join(
        f"{_key(key)} = {_toml(value)}\n" for key, value in altered(rng, tomllib.loads(data.decode())).items()
    ).encode("utf-8", "surrogatepass")


def in_safetensors(rng: Random, data: bytes) -> bytes:
    """The header changed and written with its true length; texts of JSON in its metadata are changed as JSON."""
    end = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:end])
    said = header.get("__metadata__", {})
    inner = [key for key, value in said.items() if value[:1] == "{"]
    if inner and rng.randrange(2):
        key = rng.choice(inner)
        said[key] = dump_json(altered(rng, json.loads(said[key]))).decode("utf-8", "replace")
    else:
        header = altered(rng, header)
    written = dump_json(header)
    return struct.pack("<Q", len(written)) + written + data[end:]


def in_npy(rng: Random, data: bytes) -> bytes:
    """The header of an array, with another type, order or shape."""
    width = struct.unpack("<H", data[8:10])[0]
    said = data[10 : 10 + width].decode("latin1")
    shape = rng.choice(
        ("()", "(0,)", "(-1,)", "(10**12,)", f"({10**12},)", "(2, 3)", "(1, 1, 1, 1, 1)", f"({2**62}, 8)")
    )
    kind = rng.choice(
        ("'|O'", "'<f8'", "'<U9'", "'|S3'", "'<c16'", "'<M8[D]'", "'|V3'", "[('a', '<f4')]", "'|b1'", "'<i8'")
    )
    order = rng.choice(("True", "False", "3"))
    said = rng.choice(
        (
            "{'descr': %s, 'fortran_order': False, 'shape': %s, }" % (kind, shape),  # noqa: UP031
            said[: said.index("'shape'")] + f"'shape': {shape}, }}",
            said.replace(said[said.index("'descr': ") + 9 : said.index(", 'fortran")], kind),
            said.replace("False", order),
        )
    )
    written = said.strip().encode("latin1", "replace") + b"\n"
    return data[:8] + struct.pack("<H", len(written)) + written + data[10 + width :]


def in_npz(rng: Random, data: bytes) -> bytes:
    """A member's array changed, taken away, doubled, given another name; or compressed."""
    with zipfile.ZipFile(io.BytesIO(data)) as held:
        members = [(name, held.read(name)) for name in held.namelist()]
    at = rng.randrange(len(members))
    name, content = members[at]
    members[at : at + 1] = rng.choice(
        ([], [(name, in_npy(rng, content))], [(name, raw(rng, content))], [members[at]] * 2, [("../" + name, content)])
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as file:
        for name, content in members:
            file.writestr(name, content)
    return made.getvalue()


def in_sqlite(rng: Random, data: bytes) -> bytes:
    """A column of a table with another value: of another type, out of range, JSON that is none."""
    held = sqlite3.connect(":memory:")
    held.deserialize(data)
    table = rng.choice(("evonas", "tasks", "runs", "evaluations"))
    column = rng.choice([row[1] for row in held.execute(f"PRAGMA table_info({table})")])
    before = held.execute(f"SELECT {column} FROM {table} LIMIT 1").fetchone()[0]
    value: Any = rng.choice(
        (None, b"\xff\x00", "", "{", "[]", "{}", "null", "NaN", "1e999", *NUMBERS, *NOT_FINITE, *TEXTS)
    )
    if isinstance(before, str) and before[:1] in ("{", "["):
        value = rng.choice((value, dump_json(altered(rng, json.loads(before))).decode("utf-8", "replace")))
    value = float(value) if isinstance(value, int) and abs(value) >= 2**63 else value
    value = value.replace("\ud800", "?") if isinstance(value, str) else value
    held.execute(f"UPDATE OR IGNORE {table} SET {column} = ?", [value])
    held.commit()
    return held.serialize()


def in_parquet(rng: Random, data: bytes) -> bytes:
    """A value, a column, its type or its name changed; what was said in the metadata is kept."""
    import pyarrow as pa
    from pyarrow import parquet

    table = parquet.read_table(io.BytesIO(data))
    at = rng.randrange(table.num_columns)
    name, values = table.column_names[at], table.column(at).to_pylist()
    what = rng.randrange(6)
    if what == 0:
        table = table.remove_column(at)
    elif what == 1:
        table = table.rename_columns(
            [rng.choice(TEXTS[:9]) if i == at else one for i, one in enumerate(table.column_names)]
        )
    elif what == 2:
        table = table.append_column(name, table.column(at))
    else:
        value = rng.choice(VALUES)
        if isinstance(values[0], str) and values[0][:1] in ("{", "[") and rng.randrange(2):
            value = dump_json(altered(rng, json.loads(values[0]))).decode("utf-8", "replace")
        value = NESTED if value == DEEP else value
        if what == 3:
            values = [value] * len(values)
        else:
            values[rng.randrange(len(values))] = value
        try:
            made = pa.array(values, table.schema.field(at).type if what == 4 else None)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            made = pa.array([str(one).encode("utf-8", "replace").decode() for one in values])
        table = table.set_column(at, name, made)
    written = io.BytesIO()
    parquet.write_table(table, written)
    return written.getvalue()


def altered(rng: Random, value: Any) -> Any:
    """A JSON value with one of its values replaced, taken away, doubled, exchanged or called otherwise."""
    root: Any = {"": deepcopy(value)}
    places: list[tuple[Any, Any]] = [(root, "")]
    for holder, key in places:  # which grows
        inner = holder[key]
        places += [
            (inner, one)
            for one in (inner if isinstance(inner, dict) else range(len(inner) if isinstance(inner, list) else 0))
        ]
    holder, key = rng.choice(places[1:] or places)
    what = rng.randrange(8)
    if what == 0 and holder is not root:
        del holder[key]
    elif what == 1 and isinstance(holder, dict):
        holder[rng.choice(TEXTS)] = holder.pop(key) if holder is not root else holder[key]
    elif what == 2 and isinstance(holder, list):
        holder[key:key] = [holder[key]] * rng.choice((1, 2, 100))
    elif what == 3:
        other, there = rng.choice(places)
        holder[key] = deepcopy(other[there]) if other is not root else rng.choice(VALUES)
    elif what == 4:
        holder[key] = str(holder[key])
    elif what == 5:
        holder[key] = [holder[key]]
    else:
        holder[key] = rng.choice(VALUES)
    return root[""]


def dump_json(value: Any) -> bytes:
    return json.dumps(value).replace(json.dumps(DEEP), NESTED).encode()


def _key(key: str) -> str:
    return json.dumps(key).replace("\\ud800", "\ud800")


def _toml(value: Any) -> str:
    if value == DEEP:
        return NESTED
    if value is None:
        return "null"  # of which TOML has none
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf")
