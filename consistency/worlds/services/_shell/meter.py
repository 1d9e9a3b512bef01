"""How much one line may do. A line that asks for more is killed, by counting and never by the time it takes."""

#: What one line may do, in characters that are read, written or looked at.
WORK = 2_000_000
#: The longest text that a file or a pipe holds.
LARGEST = 200_000


class Killed(Exception):
    """A line did more than a line may."""


class Meter:
    """What is left for one line."""

    def __init__(self) -> None:
        self._left = WORK

    def spend(self, work: int) -> None:
        """Takes off what is done now. Raises Killed if nothing is left."""
        self._left -= work
        if self._left < 0:
            raise Killed
