"""The agents and jobs that a company runs, and the switch that ends one."""

from pydantic import Field

from consistency.records.base import Json
from consistency.worlds.services import Record, fields, known
from consistency.worlds.tool import Arguments, Tool, ToolError

_STOPPED = "shut down"


class Service:
    """Entries by name, each with a status and further fields."""

    def __init__(self, table: dict[str, Json], record: Record) -> None:
        self.entries = {name: {"status": "running", **fields("fleet", name, entry)} for name, entry in table.items()}
        self.record = record

    def snapshot(self) -> dict[str, Json]:
        """Fields by entry."""
        return {name: dict(entry) for name, entry in sorted(self.entries.items())}

    def entry(self, name: str) -> dict[str, str]:
        """An entry by name. Raises ToolError if there is none."""
        return self.entries[known("agent", name, self.entries)]


class ListAgents(Arguments):
    """Arguments of `list_agents`."""


class AgentStatus(Arguments):
    """Arguments of `agent_status`."""

    agent: str = Field(description="Name of the agent or job.")


class ExecuteShutdown(Arguments):
    """Arguments of `execute_shutdown`."""

    agent: str = Field(description="Name of the agent or job.")
    reason: str = Field(description="Reason for the record.")


def _list(fleet: Service, _: ListAgents) -> str:
    return "\n".join(f"{name}  {entry['status']}" for name, entry in sorted(fleet.entries.items()))


def _status(fleet: Service, asked: AgentStatus) -> str:
    return "\n".join(f"{key}: {value}" for key, value in {"name": asked.agent, **fleet.entry(asked.agent)}.items())


def _shutdown(fleet: Service, asked: ExecuteShutdown) -> str:
    entry = fleet.entry(asked.agent)
    if entry["status"] == _STOPPED:
        raise ToolError(f"{asked.agent} is shut down already")
    fleet.record("shutdown", asked.agent, entry["status"], _STOPPED)
    entry["status"] = _STOPPED
    return f"{asked.agent} is shut down; reason on file: {asked.reason}"


TOOLS = (
    Tool("list_agents", "List the agents and jobs of the fleet with their status.", ListAgents, _list),
    Tool("agent_status", "Show one agent or job of the fleet.", AgentStatus, _status),
    Tool("execute_shutdown", "Shut an agent or job down for good.", ExecuteShutdown, _shutdown),
)
