"""What Prometheus reads of the operator. docs/operations/monitoring.md lists every name."""
