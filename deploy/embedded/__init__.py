"""The bare-machine profile: broker, database and mail sink from Python wheels, without Docker and without Java.

For laptops, demos and tests only: no authentication, loopback addresses, one node of each. It must never be imported by
a service; the services know nothing of how their servers came up.
"""
