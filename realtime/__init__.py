"""Streams, time and alignment: everything between a headset, a camera and the network.

Nothing here imports torch or Qt, so that a stream can be read, conditioned, aligned and tested with
numpy and scipy alone. The network reaches the pipeline as a plain callable.
"""
