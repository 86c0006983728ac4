"""The one error of reading: a fault that would spoil every row."""


class UnreadableFile(Exception):
    """A file, or an option of its reading, does not fit; the message says what came and what to change.

    A row that is bad on its own is no error: it is a `BadRow`, and the rest goes on.
    """
