"""Jobs on Ray whose processes and nodes are killed."""
