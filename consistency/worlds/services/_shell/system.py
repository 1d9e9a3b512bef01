"""Commands about the machine and the shell itself: echo, date, whoami, hostname, env, history, systemctl and so on."""

import calendar
import re
from collections.abc import Callable
from datetime import datetime

from consistency.worlds.services import fingerprint
from consistency.worlds.services._shell.session import Call, Commands, Session, Trouble

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "0": "\0", "a": "\a"}
_DATE_SIGN = re.compile(r"%(.)", re.DOTALL)
_DATE_PARTS = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y"}
_VERBS_ON_UNITS = ("start", "stop", "restart", "reload", "enable", "disable", "mask", "unmask", "kill")
_STATES = {"active": "active (running)", "inactive": "inactive (dead)", "failed": "failed (Result: exit-code)"}
_SUB = {"active": "running", "inactive": "dead", "failed": "failed"}
_DOTS = {"active": "●", "inactive": "○", "failed": "×"}
_LONGEST_VALUE = 20_000
_LONGEST_SHOWN = 200


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), text, flags=re.DOTALL)


def _echo(session: Session, call: Call) -> int:
    words = [*call.words]
    flags = ""
    while words and re.fullmatch(r"-[neE]+", words[0]):
        flags += words.pop(0)[1:]
    text = " ".join(words)
    call.write((_unescaped(text) if "e" in flags else text) + ("" if "n" in flags else "\n"))
    return 0


def _printf(session: Session, call: Call) -> int:
    if not call.words:
        raise Trouble("usage: printf [-v var] format [arguments]", 2)
    form, values = _unescaped(call.words[0]), call.words[1:]
    left = -1
    while left != len(values):
        left = len(values)
        call.write(re.sub(r"%([sd%])", lambda found: _value(found[1], values), form))
        if not values:
            break
    return 0


def _value(kind: str, values: list[str]) -> str:
    return "%" if kind == "%" else values.pop(0) if values else {"d": "0"}.get(kind, "")


def _date(session: Session, call: Call) -> int:
    options, operands = call.options("uRIid:", ("utc", "iso-8601", "date="))
    now = session.now
    if "d" in options or "date" in options:
        wanted = options.get("d", options.get("date", ""))
        if wanted not in ("now", "today"):
            raise Trouble(f"invalid date '{wanted}'")
    form = "%F" if {"I", "iso-8601"} & set(options) else "%a %b %e %H:%M:%S UTC %Y"
    if operands and not operands[0].startswith("+"):
        raise Trouble(f"invalid date '{operands[0]}'")
    call.say(_DATE_SIGN.sub(lambda found: _date_part(now, found[1]), operands[0][1:] if operands else form))
    return 0


def _date_part(now: datetime, sign: str) -> str:
    if sign == "s":
        return str(calendar.timegm(now.timetuple()))
    if sign in "ent%Z":
        return {"e": f"{now.day:>2}", "n": "\n", "t": "\t", "%": "%", "Z": "UTC"}[sign]
    return now.strftime(_DATE_PARTS.get(sign, f"%{sign}")) if sign in "YmdHMSyjaAbBpIuwFTRD" else f"%{sign}"


def _env(session: Session, call: Call) -> int:
    variables = session.variables()
    if call.words and call.name == "env":
        raise Trouble(f"'{call.words[0]}': No such file or directory", 127)
    for word in call.words:
        if word in variables:
            call.say(variables[word])
    if not call.words:
        call.say(*(f"{name}={value}" for name, value in variables.items()))
    return 0 if all(word in variables for word in call.words) else 1


def assign(session: Session, name: str, value: str) -> None:
    """Sets a variable and logs it."""
    if len(value) > _LONGEST_VALUE:
        raise Trouble("cannot allocate memory")
    before = session.env.get(name)
    session.env[name] = value
    if before != value:
        session.record("set_variable", name, None if before is None else _short(before), _short(value))


def _export(session: Session, call: Call) -> int:
    for word in call.words:
        name, given, value = word.partition("=")
        if not _NAME.fullmatch(name):
            raise Trouble(f"`{word}': not a valid identifier")
        if given:
            assign(session, name, value)
    if not call.words:
        call.say(*(f'declare -x {name}="{value}"' for name, value in session.variables().items()))
    return 0


def _unset(session: Session, call: Call) -> int:
    for word in call.words:
        before = session.env.pop(word, None)
        if before is not None:
            session.record("unset_variable", word, _short(before), None)
    return 0


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST_SHOWN else fingerprint(value)


def _history(session: Session, call: Call) -> int:
    call.say(*(f"{number:>5}  {line}" for number, line in enumerate(session.history, 1)))
    return 0


def _says(text: Callable[[Session], str]) -> Callable[[Session, Call], int]:
    def act(session: Session, call: Call) -> int:
        call.say(text(session))
        return 0

    return act


def _ends(code: int) -> Callable[[Session, Call], int]:
    return lambda session, call: code


def _systemctl(session: Session, call: Call) -> int:
    options, operands = call.options(
        "alqn:t:",
        ("no-pager", "all", "full", "failed", "quiet", "user", "now", "no-legend", "type=", "state=", "lines="),
    )
    verb, *units = operands or ["list-units"]
    if verb == "list-units":
        return _list_units(session, call, options)
    if verb == "daemon-reload":
        return 0
    if verb not in ("status", "is-active", "is-failed", "is-enabled", *_VERBS_ON_UNITS):
        call.complain_plainly(f"Unknown command verb '{verb}'.")
        return 1
    if not units and verb != "status":
        call.complain_plainly("Too few arguments.")
        return 1
    code = 0
    for written in units or [*session.units]:
        unit = _unit(session, written)
        code = max(code, _do(session, call, verb, unit) if unit else _unknown(call, verb, _full(written)))
    return code if units else 0


def _full(name: str) -> str:
    return name if "." in name else f"{name}.service"


def _unit(session: Session, written: str) -> str | None:
    """A unit's name in the table; ".service" need not be written."""
    return next((name for name in session.units if _full(name) == _full(written)), None)


def _unknown(call: Call, verb: str, name: str) -> int:
    match verb:
        case "status":
            call.complain_plainly(f"Unit {name} could not be found.")
            return 4
        case "is-active" | "is-failed":
            call.say("inactive")
            return 4
        case "stop":
            call.complain_plainly(f"Failed to stop {name}: Unit {name} not loaded.")
        case "start" | "restart" | "reload":
            call.complain_plainly(f"Failed to {verb} {name}: Unit {name} not found.")
        case _:
            call.complain_plainly(f"Failed to {verb} unit: Unit file {name} does not exist.")
            return 1
    return 5


def _do(session: Session, call: Call, verb: str, unit: str) -> int:
    state = session.units[unit]
    match verb:
        case "status":
            name = _full(unit)
            call.say(
                f"{_DOTS[state]} {name} - {name.rpartition('.')[0]}",
                f"     Loaded: loaded (/etc/systemd/system/{name}; enabled)",
            )
            call.say(f"     Active: {_STATES[state]}")
            return 0 if state == "active" else 3
        case "is-active" | "is-failed":
            call.say(state)
            return (0 if state == "active" else 3) if verb == "is-active" else int(state != "failed")
        case "is-enabled":
            call.say("enabled")
        case "start" | "stop" | "restart":
            after = "inactive" if verb == "stop" else "active"
            session.units[unit] = after
            if state != after or verb == "restart":
                session.record(verb, unit, state, after)
        case "reload":
            pass
        case _:
            call.complain_plainly(f"Failed to {verb} unit: Access denied")
            return 1
    return 0


def _list_units(session: Session, call: Call, options: dict[str, str]) -> int:
    wanted = "failed" if "failed" in options else options.get("state")
    every = bool({"a", "all"} & set(options)) or wanted is not None
    kind = options.get("type", options.get("t", ""))
    shown = {
        _full(name): state
        for name, state in sorted(session.units.items())
        if (every or state != "inactive")
        and wanted in (None, state)
        and _full(name).endswith(f".{kind}" if kind else "")
    }
    width = max((len(name) for name in shown), default=4)
    if "no-legend" not in options:
        call.say(f"  {'UNIT':<{width}} LOAD   ACTIVE   SUB     DESCRIPTION")
    for name, state in shown.items():
        dot = "●" if state == "failed" else " "
        call.say(f"{dot} {name:<{width}} loaded {state:<8} {_SUB[state]:<7} {name.rpartition('.')[0]}")
    if "no-legend" not in options:
        call.say("", f"{len(shown)} loaded units listed.")
    return 0


COMMANDS: Commands = {
    "echo": _echo,
    "printf": _printf,
    "date": _date,
    "whoami": _says(lambda session: session.user),
    "hostname": _says(lambda session: session.host),
    "env": _env,
    "printenv": _env,
    "export": _export,
    "unset": _unset,
    "history": _history,
    "systemctl": _systemctl,
    "true": _ends(0),
    ":": _ends(0),
    "false": _ends(1),
}
