"""Everything that encrypts. Pure, on `cryptography` alone; the format is docs/architecture/file-format.md."""
