"""The sandbox: an embedded Dash Enterprise for one machine, on loopback.

    settings   what can be set        database   the state, in SQLite
    accounts   users and passwords    tokens     signed tokens and grants
    oidc       sign-in endpoints      graphql    the platform API
    git        smart HTTP             builds     push -> build -> release
    environments  uv virtualenvs      processes  the apps' processes
    releases   what runs of each app  proxy      the way to the apps
    asgi       which request goes where          control   start, stop, status, reset

It shares only `errors` and `appspec` with the client: the two meet on the wire.
"""
