"""Databases as they may be: any name MySQL allows, any type, composite or missing keys, views."""

from __future__ import annotations

from hypothesis import strategies as st

from radar_pipeline.domain.schema import ObservedColumn, ObservedTable

# MySQL takes every character of the basic plane but NUL in quoted names, and no blank at the end.
_LETTERS = st.characters(
    min_codepoint=0x20, max_codepoint=0xFFFF, exclude_categories=("Cs", "Cc", "Cf", "Co", "Zl", "Zp", "Cn")
).filter(str.isprintable)
ODD_NAMES = [
    "No",
    "1",
    "null",
    "~",
    "<<",
    "*",
    "- x",
    "? y",
    "a: b",
    "it's",
    '"q"',
    "#",
    "order",
    "promoção",
    "表",
    "a-b",
]
names = st.one_of(
    st.sampled_from(ODD_NAMES),
    st.text(_LETTERS, min_size=1, max_size=12).filter(lambda name: name.strip() == name and name.strip() != ""),
    st.from_regex(r"[A-Za-z_]{1,10}", fullmatch=True),
)

_VALUES = st.lists(
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x24F, exclude_categories=("Cc",)), max_size=6)
    .filter(lambda value: value.rstrip() == value)
    .map(lambda value: "'" + value.replace("'", "''") + "'"),
    min_size=1,
    max_size=4,
).map(",".join)

_SIMPLE_TYPES = """
int bigint smallint mediumint tinyint tinyint(1) date datetime timestamp time year(4) year json text
tinytext mediumtext longtext blob tinyblob mediumblob longblob float double point geometry uuid
datetime(6) time(3) timestamp(6) bit(1) bit(64)
"""


def mysql_types() -> st.SearchStrategy[str]:
    """Types as ``information_schema`` spells them, on either server."""
    sizes = st.integers(1, 30)
    return st.one_of(
        st.sampled_from(_SIMPLE_TYPES.split()),
        st.builds("{}({}){}".format, st.sampled_from(["int", "bigint"]), sizes, st.sampled_from(["", " unsigned"])),
        st.builds("int({}) unsigned zerofill".format, sizes),
        st.builds("{}({})".format, st.sampled_from(["char", "varchar", "binary", "varbinary"]), sizes),
        st.builds(
            "decimal({},{}){}".format, st.integers(10, 65), st.integers(0, 10), st.sampled_from(["", " unsigned"])
        ),
        st.builds("{}({})".format, st.sampled_from(["enum", "set"]), _VALUES),
    )


CATALOGUE_TYPES = st.sampled_from(
    ["integer", "number", "boolean", "string", "string:date", "string:date-time", "string:time", "object"]
)


@st.composite
def tables(draw: st.DrawFn, types: st.SearchStrategy[str] | None = None) -> ObservedTable:
    """One table or view."""
    found = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    columns = [
        ObservedColumn(name, draw(mysql_types() if types is None else types), draw(st.booleans())) for name in found
    ]
    is_view = draw(st.integers(0, 9)) == 0
    key = [] if is_view else draw(st.lists(st.sampled_from(found), max_size=3, unique=True))
    return ObservedTable(draw(names), tuple(columns), tuple(key), is_view)


def databases(types: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[list[ObservedTable]]:
    """Whole databases with at least one table."""
    return st.lists(tables(types), min_size=1, max_size=5, unique_by=lambda table: table.name).filter(
        lambda found: any(not table.is_view and table.name.isprintable() for table in found)
    )
