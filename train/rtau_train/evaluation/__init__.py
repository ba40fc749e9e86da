"""What a fitted network is worth: metrics of its answers on held-out crops, and their records."""
