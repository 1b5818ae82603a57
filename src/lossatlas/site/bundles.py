"""Joins the page's modules and stylesheets into a few files, so that a first visit needs few requests.

Developers edit and read the modules as they are. When the page is served or exported, its modules are written into
bundles as functions (see :mod:`lossatlas.site.modules`), without their comments:

- the module that a page starts with, and all that it imports;
- each module that is imported later, with all that it needs besides the first bundles of its page;
- each worker, with all that it imports.

The name of a bundle contains a hash of its content, so that browsers may keep it for ever. Its source map leads the
tools of a browser to the modules.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from lossatlas.site.modules import find_imported_later, find_needed, find_workers, to_function
from lossatlas.site.source_maps import map_lines

#: The folder of the bundles, relative to the page.
FOLDER = "bundles"
#: The documents, and the module that each starts with.
_STARTS = {"index.html": "pages/atlas/main.js", "compare.html": "pages/compare/main.js"}
#: The module that every visit of a page imports at once, so that no other bundle needs to repeat what it needs.
_AT_ONCE = {"pages/atlas/main.js": "pages/atlas/wiring.js"}
#: This module says where files are by its own address, which a bundle does not have.
_REPLACEMENTS = {"lib/files.js": "() => ({addressOf: $addressOf})"}
#: Stylesheets for all sizes and media that follow each other.
_STYLES = re.compile(r'(?:[ ]*<link rel="stylesheet" href="[^"]+">\n)+')
_HREF = re.compile(r'href="([^"]+)"')
#: Comments that begin a line. The page's modules have no text in which such a line could be.
_COMMENT = re.compile(r"^[ ]*(?:/\*(?:(?!\*/).)*\*/[ ]*|//[^\n]*)$", re.DOTALL | re.MULTILINE)
#: The comments of these are licences, or none.
_LIBRARIES = "vendor/"
_HASH_LENGTH = 12


@dataclass(frozen=True)
class Bundles:
    """The bundles of all documents.

    Attributes
    ----------
    files
        The text of each bundle, by its path relative to the page.
    source_maps
        The text of each source map, likewise.
    documents
        The text of each document, which loads bundles instead of modules.
    joined
        The modules and stylesheets that are in bundles.
    """

    files: Mapping[str, str]
    source_maps: Mapping[str, str]
    documents: Mapping[str, str]
    joined: frozenset[str]


def join_page(web: Path) -> Bundles:
    """Join the modules and stylesheets of the page.

    Parameters
    ----------
    web
        The folder of the page.

    Returns
    -------
    Bundles
        The bundles.

    Raises
    ------
    ExportError
        If a module has a form of import or export that is not known here.
    """
    writer = _Writer(web)
    documents = {name: writer.write_document(name, start) for name, start in _STARTS.items()}
    return Bundles(writer.files, writer.source_maps, documents, frozenset(writer.joined))


class _Writer:
    """Writes bundles, and keeps them by their paths."""

    def __init__(self, web: Path) -> None:
        self._web = web
        paths = {path.relative_to(web).as_posix(): path for path in sorted(web.rglob("*.js"))}
        self._sources = {name: path.read_text(encoding="utf-8") for name, path in paths.items()}
        start = files("lossatlas").joinpath("site", "bundle.js").read_text(encoding="utf-8")
        self._start = "".join(f"{text}\n" for text, _ in _drop_comments(start))
        self._functions: dict[str, list[tuple[str, int]]] = {}
        self.files: dict[str, str] = {}
        self.source_maps: dict[str, str] = {}
        self.joined: set[str] = set()

    def write_document(self, name: str, start: str) -> str:
        """Write all bundles of a document, and return its text."""
        text = (self._web / name).read_text(encoding="utf-8")
        styles = posixpath.splitext(name)[0] + ".css"
        text = _STYLES.sub(lambda links: self._join_styles(styles, links.group()), text)
        return text.replace(f'src="{start}"', f'src="{self._write_page(start)}"')

    def _join_styles(self, name: str, links: str) -> str:
        """Join the stylesheets that some links name, and return a link to the result."""
        names = _HREF.findall(links)
        self.joined.update(names)
        path = self._keep(name, "\n".join((self._web / each).read_text(encoding="utf-8") for each in names))
        return f'  <link rel="stylesheet" href="{path}">\n'

    def _write_page(self, start: str) -> str:
        """Write the bundle that starts a page, and all that may follow it; return the path of the first."""
        started = find_needed(self._sources, start)
        at_once = _AT_ONCE.get(start)
        present = {*started, *(find_needed(self._sources, at_once) if at_once else ())}
        later: dict[str, str] = {}
        rest, seen = sorted(present), set(present)
        while rest:
            name = rest.pop()
            for worker in find_workers(name, self._sources[name]):
                later[worker] = self._write_start(worker, find_needed(self._sources, worker), {})
            for entry in find_imported_later(name, self._sources[name]):
                if entry not in later:
                    there = started if entry == at_once else present
                    needed = [each for each in find_needed(self._sources, entry) if each not in there]
                    later[entry] = self._write(entry, "export const write = ", needed, ";")
                    rest += [each for each in needed if each not in seen]
                    seen.update(needed)
        return self._write_start(start, started, later)

    def _write_start(self, start: str, modules: Collection[str], later: Mapping[str, str]) -> str:
        root = "../" * (start.count("/") + 1)
        paths = json.dumps(dict(sorted(later.items())))
        page = f"const $page = startModules(new URL('{root}', import.meta.url), {paths});"
        return self._write(start, f"{self._start}{page}\n$page.add(", modules, f");\n$page.load({json.dumps(start)});")

    def _write(self, name: str, head: str, modules: Collection[str], tail: str) -> str:
        """Write a bundle with its source map, and return its path."""
        self.joined.update(modules)
        lines: list[str] = [*f"{head}($load, $import, $worker, $addressOf) => ({{".split("\n")]
        origins: list[tuple[str, int] | None] = [None] * len(lines)
        root = "../" * (name.count("/") + 1)
        for module in sorted(modules):
            for text, line in self._to_lines(module):
                lines.append(text)
                origins.append((f"{root}{module}", line))
        lines += f"}}){tail}".split("\n")
        origins += [None] * (len(lines) - len(origins))
        source_map = json.dumps(map_lines(origins))
        path = self._name(f"{name}.map", source_map)
        self.source_maps[path] = source_map
        lines.append(f"//# sourceMappingURL={posixpath.basename(path)}")
        return self._keep(name, "\n".join(lines))

    def _to_lines(self, module: str) -> list[tuple[str, int]]:
        """Return the lines of a module as a property with a function, each with its number in the module."""
        if module not in self._functions:
            function = _REPLACEMENTS.get(module) or to_function(module, self._sources[module])
            lines = _drop_comments(f"{json.dumps(module)}: {function},", is_library=module.startswith(_LIBRARIES))
            self._functions[module] = [(text, max(0, line - 1)) for text, line in lines]  # a line begins the function
        return self._functions[module]

    def _keep(self, name: str, text: str) -> str:
        path = self._name(name, text)
        self.files[path] = text
        return path

    def _name(self, name: str, text: str) -> str:
        stem, suffix = posixpath.splitext(name)
        digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]
        return f"{FOLDER}/{stem}.{digest}{suffix}"


def _drop_comments(source: str, *, is_library: bool = False) -> Iterator[tuple[str, int]]:
    """Return the lines that are neither empty nor a comment, each with its number, counted from 0."""
    if not is_library:
        source = _COMMENT.sub(lambda comment: "\n" * comment.group().count("\n"), source)
    return ((text, number) for number, text in enumerate(source.split("\n")) if text.strip())
