"""`docs/cli.md` is what the commands say of themselves. `python tests/golden/test_cli_docs.py` writes it anew."""

from pathlib import Path

import click

from consistency.cli.group import root

PAGE = Path(__file__).parent.parent.parent / "docs" / "cli.md"


def rendered() -> str:
    context = root.make_context("consistency", [], resilient_parsing=True, terminal_width=100)
    parts = ["# Commands\n\nMade from the commands' own help.\n", f"```\n{root.get_help(context)}\n```\n"]
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None
        inner = click.Context(command, parent=context, info_name=name, terminal_width=100)
        parts.append(f"## {name}\n\n```\n{command.get_help(inner)}\n```\n")
    return "\n".join(parts)


def test_the_page_says_what_the_commands_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == rendered(), "run `python tests/golden/test_cli_docs.py`"


def test_every_command_says_what_it_does() -> None:
    context = root.make_context("consistency", [], resilient_parsing=True)
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None
        assert command.help
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.name}"


if __name__ == "__main__":
    PAGE.write_text(rendered(), encoding="utf-8")
