"""What the pretend group refuses, said so that a person can act on it.

Belongs here: the one error of ``demo.systems``. Keep out: failures of readers of the systems.
"""


class DemoError(Exception):
    """The demo cannot do what was asked; the message says why and what to do instead."""

    def __init__(self, cause: str, cure: str) -> None:
        self.cause = cause
        self.cure = cure
        super().__init__(f"{cause} → {cure}")
