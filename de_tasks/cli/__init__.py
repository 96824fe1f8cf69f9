"""The program `de-tasks` over invoke."""
