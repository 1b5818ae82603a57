"""Reads the files of stories that lie beside a page (docs/stories.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from lossatlas.errors import ExportError
from lossatlas.site.tree import SiteFolder
from lossatlas.store import is_regular

#: The most characters that the page reads, in bytes of UTF-8.
MOST_STORY_BYTES = 4 * 400_000
_NAME = r"[a-z0-9-]{1,40}"
#: The names of the files of stories that the page requests.
STORY_NAME = re.compile(_NAME + r"\.json")
#: What the address of a page says about a story that is in no file.
_RESERVED = {"link", "here"}


def read_stories(paths: Iterable[Path | str]) -> dict[str, bytes]:
    """Read files of stories.

    Parameters
    ----------
    paths
        The files. The name of each without ``.json`` is the story's name in an address: ``?story=NAME``.

    Returns
    -------
    dict of str to bytes
        The content by the path in the site.

    Raises
    ------
    ExportError
        If a file cannot be read, is no story, or has a name that an address cannot carry.
    """
    return {f"stories/{path.stem}.json": _read_story(path) for path in map(Path, paths)}


def put_stories(site: SiteFolder, stories: dict[str, bytes]) -> None:
    """Write stories into the new folder of a site, together with those of the earlier site."""
    for name, content in stories.items():
        site.put_bytes(name, content)
    for path in sorted(site.earlier.glob("stories/*.json")) if stories else ():
        name = f"stories/{path.name}"
        if name not in stories and is_regular(site.earlier, name):
            site.link(name)


def _read_story(path: Path) -> bytes:
    if not re.fullmatch(_NAME, path.stem) or path.stem in _RESERVED:
        raise ExportError(
            f"{path} cannot be named in an address; name the file by small letters, digits and hyphens, "
            f"and neither {' nor '.join(sorted(_RESERVED))}, as in my-lesson.json"
        )
    try:
        with path.open("rb") as file:
            content = file.read(MOST_STORY_BYTES + 1)
        found = json.loads(content.decode("utf-8-sig")) if len(content) <= MOST_STORY_BYTES else None
    except OSError as error:
        raise ExportError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ExportError(f"{path} is no story: it is not JSON in UTF-8; save one with the page's editor") from error
    if not isinstance(found, dict) or found.get("format") != "lossatlas-story":
        raise ExportError(f"{path} is no story; save one with the page's editor (docs/stories.md)")
    return content
