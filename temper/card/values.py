"""What single values of a card may be."""

from typing import Annotated

from msgspec import Meta

SHA256 = r"^([0-9a-f]{64})?\Z"
FILE_NAME = r"^(?!\.{1,2}$)[^/\\\x00]+$"
NOT_BLANK = r"^$|\S"

Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
# Between probabilities; rounding may add a little to 1.
Difference = Annotated[float, Meta(ge=0.0, le=1.001)]
Count = Annotated[int, Meta(ge=0)]
# At 224 pixels the largest batch has 0.6 GB.
MAX_BATCH = 4096
BatchSize = Annotated[int, Meta(ge=1, le=MAX_BATCH)]
# Of one file or several; empty before an artifact has one.
Sha256 = Annotated[str, Meta(pattern=SHA256)]
# A label is the name of a folder.
Label = Annotated[str, Meta(min_length=1, max_length=255)]
# Larger images would need gigabytes each.
MAX_SIZE = 16_384
Size = Annotated[int, Meta(ge=1, le=MAX_SIZE)]
FileName = Annotated[str, Meta(pattern=FILE_NAME)]
NotBlank = Annotated[str, Meta(pattern=NOT_BLANK)]
