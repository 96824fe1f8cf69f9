"""A Dash Enterprise by the vendor's command line `de`, whose API is not published."""
