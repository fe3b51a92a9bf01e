"""The bus: the connection, its streams, how messages are fetched, and how events are read from them."""
