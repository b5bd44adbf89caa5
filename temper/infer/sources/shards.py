"""Images in tar files, as WebDataset stores them: read once from start to end, one image in memory at a time."""

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from temper.errors import UnreadableImage
from temper.images import MAX_BYTES, SUFFIXES, EncodedImage, open_regular
from temper.infer.sources.kinds import Unreadable

DAMAGE = (tarfile.TarError, OSError, EOFError, zlib.error, ValueError)


class _Header(tarfile.TarInfo):
    """A header of a member; tarfile itself takes a damaged one after the first for the end of the file."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> "_Header":
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"{error}") from None


def images_in_shard(path: Path) -> Iterator[EncodedImage | Unreadable]:
    """The image files of a shard, by suffix, in its order; hidden ones are skipped. Nothing is extracted to the disk.

    The name of an image is that of the shard and that of the member: "shard.tar/member.jpg". A shard that is missing,
    damaged or without images gives an Unreadable, after the images before the damage.
    """
    count = 0
    try:
        with open_regular(path) as file, tarfile.open(fileobj=file, mode="r|*", tarinfo=_Header) as shard:
            for member in shard:
                # Otherwise the headers of all members would stay in memory.
                shard.members = []  # type: ignore[attr-defined]
                if _is_image(member):
                    yield _read(shard, member, f"{path}/{member.name.removeprefix('./')}")
                    count += 1
    except FileNotFoundError:
        yield Unreadable(str(path), f"{path} does not exist. Check the path.")
        return
    except UnreadableImage as error:
        yield Unreadable(str(path), str(error))
        return
    except DAMAGE as error:
        yield Unreadable(str(path), f"{path} is damaged after {count} images ({error}). Copy it again.")
        return
    if not count:
        yield Unreadable(str(path), f"{path} holds no images. Expected {', '.join(SUFFIXES)} files in it.")


def _is_image(member: tarfile.TarInfo) -> bool:
    parts = PurePosixPath(member.name).parts
    is_hidden = any(part.startswith(".") for part in parts)
    return member.isfile() and not is_hidden and member.name.lower().endswith(SUFFIXES)


def _read(shard: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> EncodedImage | Unreadable:
    if member.size > MAX_BYTES:
        return Unreadable(name, f"{name} has {member.size:,} bytes; the limit is {MAX_BYTES:,}. Scale it down.")
    file = shard.extractfile(member)
    content = file.read() if file else b""
    if len(content) < member.size:
        raise EOFError(f"{member.name} is truncated")
    return EncodedImage(name, content)
