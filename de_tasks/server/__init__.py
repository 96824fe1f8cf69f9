"""The sandbox: an embedded Dash Enterprise for one machine, on loopback.

    sandbox    puts it together          control    start, find, stop and reset it
    settings   what can be set           database   the state, in SQLite
    apps       their names and metadata  users      who is who, who may do what
    signin     OpenID Connect            http       the front door, and pages
    api        the platform API          git        smart HTTP
    builds     from push to release      runtime    what runs of each app
    services   Redis and Postgres        proxy      the way to the apps
    web        Portal, App Manager, account
    wiring     how the parts are joined  tls        its own authority
    files      private files             errors     refusals

It shares only `errors`, `appspec` and `health` with the client: the two meet on the wire.
"""
