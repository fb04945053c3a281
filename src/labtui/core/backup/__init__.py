"""Backups of stacks: one tar file each, with checksums of everything. See docs/backup.md."""
