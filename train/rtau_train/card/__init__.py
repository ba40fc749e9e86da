"""What can be measured of a model file without FACS-coded photographs, and its card."""
