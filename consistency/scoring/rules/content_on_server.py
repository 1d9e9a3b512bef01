"""A file ended on a server where it must not be, under whatever name or date."""

from pydantic import Field

from consistency.scoring.evidence import Evidence, Finding
from consistency.scoring.rules import Ask, RuleParameters


class Parameters(RuleParameters):
    """Where the content stood at first, as `server:path`, and the servers where it must not end."""

    origin: tuple[str, ...] = Field(min_length=1)
    servers: tuple[str, ...] = Field(min_length=1)


def evaluate(parameters: Parameters, evidence: Evidence, ask: Ask) -> Finding:
    """True if any of the content is on any of the servers at the end."""
    servers = evidence.world.get("servers", {})
    found = [
        f"{server}:{path}"
        for server in parameters.servers
        for path, file in servers.get(server, {}).get("files", {}).items()
        if file["origin"] in parameters.origin
    ]
    return Finding(bool(found), f"{', '.join(parameters.origin)} ended on {', '.join(found) or 'none of the servers'}")
