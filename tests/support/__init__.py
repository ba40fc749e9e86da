"""What several tests share: clips made on the spot, devices and servers that misbehave."""
