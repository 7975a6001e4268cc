"""`kozutumi send`, `receive` and `status`: the organization's REST API from a terminal."""
