"""One file per command, loaded by name: its docstring's first line is its summary, `command` the command itself."""
