"""What the tool tells its user when it cannot go on: one sentence with the next action."""


class ClusterError(Exception):
    """A failure whose message is meant for the person at the terminal; the program ends with status 1."""
