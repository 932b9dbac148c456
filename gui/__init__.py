"""The Qt window. It polls; no worker touches Qt; torch is reached only through models.inference.engine."""
