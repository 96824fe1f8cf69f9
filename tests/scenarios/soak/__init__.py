"""The sandbox under fire: killed at random moments while it works, and looked at afterwards."""
