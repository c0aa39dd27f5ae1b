"""The server itself: the application, its state, its addresses, and who may ask what."""
