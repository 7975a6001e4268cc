"""One Kubernetes kind per file: `render(…)` gives the object, or None where it should not exist. Pure."""
