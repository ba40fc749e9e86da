"""The numbers that the two source papers print, as data, and what does not add up in them."""
