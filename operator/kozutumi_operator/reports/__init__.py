"""Reports of mail that did not arrive, from the platform's relay to the app of the organization that sent it."""
