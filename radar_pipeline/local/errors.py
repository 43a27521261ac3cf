"""The one error of the local stack that a person reads."""


class LocalStackError(Exception):
    """What is wrong, where, and what to do; meant to be printed without a stack trace."""
