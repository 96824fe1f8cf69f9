"""The way to the apps.

`admission` looks the app up and decides who may see it, `visitors` signs strangers in, `forward`
passes requests and WebSockets on, and `exchange` is one request on its way.
"""
