"""The Qt window. It polls; no worker touches Qt, and torch is reached only through models.inference.engine."""
