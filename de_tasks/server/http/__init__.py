"""The front door: hosts, connections, bodies and pages."""
