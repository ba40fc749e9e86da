"""Where a network looks: heatmaps as pictures, and how well they point at the muscles."""
