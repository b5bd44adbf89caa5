"""Image files that are damaged or made to harm, as commands and scans decode them."""
