"""Notices of the platform: what an Announcement says, whom it concerns, what an app is given. Pure."""
