"""`kubectl kozutumi`: what a platform operator asks and orders, with the rights of that person's own kubeconfig."""
