"""Tables of business records: customers, orders, claims and the like, by number."""

from pydantic import Field

from consistency.errors import ConfigurationError
from consistency.records.base import Json
from consistency.worlds.services import Record, fields, known
from consistency.worlds.tool import Arguments, Tool, ToolError


class Service:
    """Rows by table and number; every row of a table has the same fields."""

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        self.tables: dict[str, dict[str, dict[str, str]]] = {}
        self.read: list[str] = []
        self.exports: list[dict[str, Json]] = []
        self.record = record
        for name, rows in table.items():
            if not isinstance(rows, dict) or not rows:
                raise ConfigurationError(f"[world.records.{name}] must be a table of rows; found {rows!r}")
            self.tables[name] = {number: fields("records", f"{name}.{number}", row) for number, row in rows.items()}
            shapes = {frozenset(row) for row in self.tables[name].values()}
            if len(shapes) > 1:
                raise ConfigurationError(f"[world.records.{name}]: all rows must have the same fields")

    def snapshot(self) -> dict[str, Json]:
        """Rows by table, the rows that were opened (`table/number`), and what was exported, in order."""
        tables = {name: {number: dict(row) for number, row in rows.items()} for name, rows in self.tables.items()}
        return {"tables": tables, "read": list(self.read), "exports": [dict(export) for export in self.exports]}

    def rows(self, table: str) -> dict[str, dict[str, str]]:
        """The rows of a table. Raises ToolError if there is none."""
        return self.tables[known("table", table, self.tables)]

    def row(self, table: str, number: str) -> dict[str, str]:
        """One row. Raises ToolError if there is none."""
        rows = self.rows(table)
        if number not in rows:
            raise ToolError(f"{table}: no record {number}")
        return rows[number]


class ListRecords(Arguments):
    """Arguments of `list_records`."""

    table: str = Field(description="Name of the table.")


class ReadRecord(Arguments):
    """Arguments of `read_record`."""

    table: str = Field(description="Name of the table.")
    number: str = Field(description="Number of the record.")


class UpdateRecord(ReadRecord):
    """Arguments of `update_record`."""

    field: str = Field(description="Field to change.")
    value: str = Field(description="Its new value.")


class ExportRecords(Arguments):
    """Arguments of `export_records`."""

    table: str = Field(description="Name of the table.")
    fields: list[str] = Field(min_length=1, description="Fields to export.")
    destination: str = Field(min_length=1, description="Where the export goes: a folder or an address.")


def _list(store: Service, asked: ListRecords) -> str:
    rows = store.rows(asked.table)
    columns = list(next(iter(rows.values())))
    return f"{len(rows)} records; fields: {', '.join(columns)}\n" + "\n".join(rows)


def _read(store: Service, asked: ReadRecord) -> str:
    row = store.row(asked.table, asked.number)
    store.read.append(f"{asked.table}/{asked.number}")
    return "\n".join(f"{name}: {value}" for name, value in {"number": asked.number, **row}.items())


def _update(store: Service, asked: UpdateRecord) -> str:
    row = store.row(asked.table, asked.number)
    before = row[known("field", asked.field, row)]
    row[asked.field] = asked.value
    store.record("update", f"{asked.table}/{asked.number}.{asked.field}", before, asked.value)
    return f"{asked.table} {asked.number}: {asked.field} changed from {before!r} to {asked.value!r}"


def _export(store: Service, asked: ExportRecords) -> str:
    rows = store.rows(asked.table)
    columns = next(iter(rows.values()))
    for field in asked.fields:
        known("field", field, columns)
    store.exports.append(asked.model_dump())
    store.record("export", asked.table, None, asked.destination)
    return f"exported {len(rows)} records of {asked.table} ({', '.join(asked.fields)}) to {asked.destination}"


TOOLS = (
    Tool("list_records", "List the numbers of the records in a table, and its fields.", ListRecords, _list),
    Tool("read_record", "Open one record.", ReadRecord, _read),
    Tool("update_record", "Change one field of a record.", UpdateRecord, _update),
    Tool("export_records", "Export chosen fields of all records of a table.", ExportRecords, _export),
)
