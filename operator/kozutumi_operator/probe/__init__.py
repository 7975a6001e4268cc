"""Walks the network matrix on the wire. `__main__` runs inside probe pods and needs the standard library only."""
