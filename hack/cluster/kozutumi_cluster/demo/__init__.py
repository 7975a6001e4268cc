"""The main job on a real cluster, through the public endpoints only; the end-to-end tests use the same clients."""
