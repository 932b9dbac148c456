"""What is learned from: sessions cut into windows, what is cached of them, how they are split."""
