"""Many apps of one repository."""
