"""Turns the page's modules into functions, so that one file can contain many of them.

A page that was opened from a local file cannot load modules, and neither can its workers; and a page on a host would
need hundreds of requests for them. The page's modules have few forms of imports and exports, so that a few
replacements suffice:

    import {a, b as c} from './x.js';            const {a, b: c} = $load("folder/x.js");
    import d from './x.js';                      const {default: d} = $load("folder/x.js");
    import * as e from './x.js';                 const e = $load("folder/x.js");
    import('./x.js')                             $import("folder/x.js")
    new Worker(new URL('./x.js', import.meta.url), {type: 'module'})
                                                 $worker("folder/x.js")

Exports lose their keyword, and the function returns them. Each line stays on the line it was on, after a first line
that begins the function. bundle.js and single_file.js define ``$load``, ``$import`` and ``$worker``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from lossatlas.errors import ExportError

#: Comments, in which names of types look like imports.
_COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*", re.DOTALL | re.MULTILINE)
_IMPORT = re.compile(
    r"^import\s*(?:\{(?P<names>[^{}]*)\}|(?:\* as )?(?P<name>[\w$]+))\s*from\s*'(?P<path>\.[^']+)';", re.MULTILINE
)
_DYNAMIC_IMPORT = re.compile(r"\bimport\('(?P<path>\.[^']+)'\)")
_WORKER = re.compile(r"\bnew Worker\(new URL\('(?P<path>\.[^']+)', import\.meta\.url\), \{type: 'module'\}\)")
_EXPORT = re.compile(r"^export (?=(?:const|class|async function\*?|function\*?) (?P<name>[\w$]+))", re.MULTILINE)
#: Libraries list their exports at the end.
_EXPORTS = re.compile(r"(?:^|(?<=[;}]))export\s*\{(?P<names>[^{}]*)\};?\s*\Z", re.MULTILINE)
_REST = re.compile(r"^(?:import|export)\b.*|^.*\bimport\.meta\b.*|^.*\bimport\('\..*", re.MULTILINE)


def to_function(name: str, source: str) -> str:
    """Turn a module into a function expression that runs it and returns its exports.

    Parameters
    ----------
    name
        The path of the module, relative to the page's root.
    source
        Its text.

    Returns
    -------
    str
        The function.

    Raises
    ------
    ExportError
        If the module has a form of import or export that is not known here.
    """
    exports: list[str] = []

    def take_list(found: re.Match[str]) -> str:
        exports.extend(f"{outer or inner}: {inner}" for inner, outer in _split_names(found["names"]))
        return ""

    def take_name(found: re.Match[str]) -> str:
        exports.append(found["name"])
        return ""

    def write_import(found: re.Match[str]) -> str:
        if found["names"] is not None:
            pairs = _split_names(found["names"])
            taken = f"{{{', '.join(f'{outer}: {inner}' if inner else outer for outer, inner in pairs)}}}"
        else:
            taken = found["name"] if "* as" in found.group() else f"{{default: {found['name']}}}"
        lines = "\n" * found.group().count("\n")
        return f'const {taken} = $load("{_resolve(name, found["path"])}");{lines}'

    def rewrite(code: str) -> str:
        code = _EXPORT.sub(take_name, _IMPORT.sub(write_import, code))
        code = _DYNAMIC_IMPORT.sub(lambda found: f'$import("{_resolve(name, found["path"])}")', code)
        code = _WORKER.sub(lambda found: f'$worker("{_resolve(name, found["path"])}")', code)
        if unknown := _REST.search(code):
            raise ExportError(f"{name}: cannot turn this into a function: {unknown.group().strip()}")
        return code

    body = _map_code(_EXPORTS.sub(take_list, source), rewrite)
    return f"() => {{'use strict';\n{body}\nreturn {{{', '.join(exports)}}};\n}}"


def find_needed(sources: Mapping[str, str], entry: str) -> list[str]:
    """Find the modules that a module imports, directly or not, with the module itself, sorted by their names."""
    needed, rest = set[str](), [entry]
    while rest:
        name = rest.pop()
        if name not in needed:
            needed.add(name)
            rest += _find_paths(_IMPORT, name, sources[name])
    return sorted(needed)


def find_imported_later(name: str, source: str) -> tuple[str, ...]:
    """Find the modules that a module imports when they are first used."""
    return _find_paths(_DYNAMIC_IMPORT, name, source)


def find_workers(name: str, source: str) -> tuple[str, ...]:
    """Find the modules that a module starts as workers."""
    return _find_paths(_WORKER, name, source)


@lru_cache(maxsize=4096)
def _find_paths(pattern: re.Pattern[str], name: str, source: str) -> tuple[str, ...]:
    if not pattern.search(source):
        return ()
    found: list[str] = []

    def collect(code: str) -> str:
        found.extend(_resolve(name, each["path"]) for each in pattern.finditer(code))
        return code

    _map_code(source, collect)
    return tuple(found)


def _map_code(source: str, rewrite: Callable[[str], str]) -> str:
    """Rewrite the imports and exports between the comments of a module."""
    pieces, end = [], 0
    for comment in _COMMENT.finditer(source):
        pieces += [source[end : comment.start()], comment.group()]
        end = comment.end()
    pieces.append(source[end:])
    # A worker's address is rewritten as well: it contains `import.meta.url`.
    pieces[::2] = [rewrite(code) if "import" in code or "export" in code else code for code in pieces[::2]]
    return "".join(pieces)


def _split_names(names: str) -> list[tuple[str, str]]:
    """Split a list such as ``a, b as c`` into pairs: the name before ``as``, and the name after it or nothing."""
    pairs = [part.split(" as ") for part in names.split(",") if part.strip()]
    return [(pair[0].strip(), pair[1].strip() if len(pair) > 1 else "") for pair in pairs]


def _resolve(name: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
