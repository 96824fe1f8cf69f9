"""A Dash Enterprise through the vendor's own command line `de`, whose API is not published."""
