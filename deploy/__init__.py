"""How the system is put somewhere: containers, charts, catalogs, and the bare-machine profile in `embedded`."""
