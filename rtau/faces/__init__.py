"""Where the faces of a frame are: detection, tracking, and the crops the network sees."""
