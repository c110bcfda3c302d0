"""The routes: thin. They read parameters, ask the read model or the outbox, and write the answer."""
