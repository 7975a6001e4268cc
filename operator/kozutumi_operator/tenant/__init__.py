"""The only code that talks to an organization's app, on its internal port."""
