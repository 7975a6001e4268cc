"""Gather → decide → apply: the work queue, the gatherers and the side effects."""
