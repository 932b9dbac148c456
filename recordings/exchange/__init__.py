"""To and from other programs: import, export, BIDS, anonymous copies."""
