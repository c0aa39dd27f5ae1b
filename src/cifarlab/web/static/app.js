// Small helpers; every page works without them.
