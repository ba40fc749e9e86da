"""From data sets as they are distributed to folders of labelled crops: `rtau-train prepare`."""
