"""Draws results onto frames with OpenCV: blur, heatmaps, boxes, landmarks, AU panels.

`compose.Composer` draws a whole result and `header` a window's status line; `canvas`, `heatmap`,
`palette`, `sprite`, `text` and `video_colours` are the parts that others use alone.
"""
