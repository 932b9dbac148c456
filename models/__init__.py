"""The network, how it learns, and how it runs compiled. No Qt."""
