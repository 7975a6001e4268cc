"""The only code that talks to S3 and its IAM API."""
