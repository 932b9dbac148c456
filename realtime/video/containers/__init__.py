"""What stands in the files of films beside the pictures, where FFmpeg does not hand it on."""
