"""From what a user names to single images."""

from temper.infer.sources.kinds import DEFAULT_FPS, Frame, ImageSource, Source, SourceOptions, Unreadable, Url
from temper.infer.sources.lists import check_sources, count_images, iterate_listed, iterate_named, names_in_list
from temper.infer.sources.names import is_live, iterate_sources

__all__ = [
    "DEFAULT_FPS",
    "Frame",
    "ImageSource",
    "Source",
    "SourceOptions",
    "Unreadable",
    "Url",
    "check_sources",
    "count_images",
    "is_live",
    "iterate_listed",
    "iterate_named",
    "iterate_sources",
    "names_in_list",
]
