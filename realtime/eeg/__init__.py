"""What a channel is and how good: units, montage, conditioning, quality."""
