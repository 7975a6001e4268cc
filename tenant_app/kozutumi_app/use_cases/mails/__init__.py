"""What the app mails, one module per feature: each has a `WRITERS`, joined in `use_cases.mailing`."""
