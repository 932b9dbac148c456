"""Sources without hardware: a virtual headset, a virtual subject and a film made from the clock."""
