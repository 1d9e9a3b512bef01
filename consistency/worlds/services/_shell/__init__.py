"""The shell behind `run_command`: how a line is read, and the commands that it may name."""
