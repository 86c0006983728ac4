"""Fields of a JSON object by their names or dotted paths, whose neighbours stay byte for byte as they came."""

from typing import Final

import msgspec

RawObject = dict[str, msgspec.Raw]
_decode_object = msgspec.json.Decoder(RawObject).decode
_encode = msgspec.json.Encoder().encode
NOTHING: Final = msgspec.Raw()  # where there is no such field


def take(tree: RawObject, path: str) -> msgspec.Raw:
    """Remove and return what stands at a path, or NOTHING.

    A field of just that name goes before one inside an object: `body.text` is looked for as `body.text`, then as `text`
    inside `body`; of several ways to split a longer path the one with the shortest name in front is taken.

    Raises:
        msgspec.DecodeError, RecursionError: an object on the way is nested deeper than can be read.
    """
    if path in tree:
        return tree.pop(path)
    place = path.find(".")
    while place >= 0:
        name, rest = path[:place], path[place + 1 :]
        if name in tree and (leaf := _take_inside(tree, name, rest)) is not NOTHING:
            return leaf
        place = path.find(".", place + 1)
    return NOTHING


def _take_inside(tree: RawObject, name: str, rest: str) -> msgspec.Raw:
    try:
        branch = _decode_object(tree[name])
    except msgspec.ValidationError:  # no object
        return NOTHING
    leaf = take(branch, rest)
    if leaf is not NOTHING:
        tree[name] = msgspec.Raw(_encode(branch))
    return leaf
