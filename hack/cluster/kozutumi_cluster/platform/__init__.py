"""What an organization's platform gives in production, in the development cluster: object store, mail, signatures."""
