"""Pictures and when they were on show: cameras, films, network streams and the screen."""
