"""Reports of mail as mail systems write them (RFC 3464)."""

from __future__ import annotations


def report(mail_id: str, action: str = "failed", status: str = "5.1.1") -> bytes:
    """It names the mail by the Message-ID of what it returns."""
    lines = [
        "From: MAILER-DAEMON@mx.outside.test",
        "To: noreply@kozutumi.test",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        "",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.outside.test",
        "",
        "Final-Recipient: rfc822; a@outside.test",
        f"Action: {action}",
        f"Status: {status}",
        "",
        "--b",
        "Content-Type: text/rfc822-headers",
        "",
        f"Message-ID: <{mail_id}@kozutumi.test>",
        "",
        "--b--",
    ]
    return "\r\n".join(lines).encode()
