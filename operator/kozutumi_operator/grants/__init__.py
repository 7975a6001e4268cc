"""Break-glass access: what an AccessGrant says, what is to be done about it, what it gives. Pure."""
