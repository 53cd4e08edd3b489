"""The one error a user can cause: a sentence and its remedy."""


class GwtopError(Exception):
    """Something the user can mend. Prints as one line: what is wrong, then what to do."""

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message if remedy is None else f"{message}; {remedy}")
        self.message = message
        self.remedy = remedy
