"""Reads a pickle as data: nothing in it is ever imported, called or executed.

A pickle is a program for a small stack machine; Python's own machine imports what the program names
and calls it, which lets a file run any command. The machine here knows the same instructions but
has no way to import or call: where Python would, it only notes down what was asked for. What torch
checkpoints need of the result (dicts, numbers, strings and descriptions of tensors) is all there.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass, field
from typing import Any

from cartoonedit.errors import InvalidInput

__all__ = ["Made", "Named", "Persistent", "read_pickle"]

MAX_BYTES = 256 * 1024 * 1024


@dataclass(eq=False, repr=False)
class Named:
    """Something that Python would have imported: a class or a function, by its dotted path."""

    path: str


@dataclass(eq=False, repr=False)
class Made:
    """What a call would have made: who was to be called, with what, and what was put in later."""

    maker: Any
    args: Any
    state: Any = None
    members: list[Any] = field(default_factory=list)
    items: dict[Any, Any] = field(default_factory=dict)


@dataclass(eq=False, repr=False)
class Persistent:
    """An object that is stored outside the pickle (torch: the numbers of a tensor)."""

    identity: Any


_KEY_TYPES = (str, int, float, bool, bytes, type(None))


class _Machine:
    """The stack machine. `run` takes one instruction; after STOP the result is in `result`."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.result: Any = None

    def run(self, name: str, argument: Any) -> None:
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _LITERALS:
            self.stack.append(argument)
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            count = _TUPLES[name]
            values = tuple(self.stack[len(self.stack) - count :])
            if len(values) < count:
                raise IndexError("a tuple of more values than there are")
            self.stack[len(self.stack) - count :] = [values]
        elif name not in _IGNORED:
            handler = getattr(self, f"_{name.lower()}", None)
            if handler is None:
                raise ValueError(f"instruction {name} is not used by checkpoints")
            handler(argument)

    def _since_mark(self) -> list[Any]:
        values, self.stack = self.stack, self.marks.pop()
        return values

    def _mark(self, _: Any) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def _stop(self, _: Any) -> None:
        self.result = self.stack.pop()

    def _pop(self, _: Any) -> None:
        self.stack.pop()

    def _pop_mark(self, _: Any) -> None:
        self._since_mark()

    def _dup(self, _: Any) -> None:
        self.stack.append(self.stack[-1])

    # Memo: values that the program wants to mention again.

    def _put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    _binput = _long_binput = _put

    def _memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _get(self, index: int) -> None:
        self.stack.append(self.memo[index])

    _binget = _long_binget = _get

    # Containers.

    def _tuple(self, _: Any) -> None:
        values = self._since_mark()
        self.stack.append(tuple(values))

    def _list(self, _: Any) -> None:
        values = self._since_mark()
        self.stack.append(values)

    def _frozenset(self, _: Any) -> None:
        # Sets are kept as lists: hashing what a stranger nested can take for ever.
        self._list(_)

    def _dict(self, _: Any) -> None:
        values = self._since_mark()
        self.stack.append({})
        self._store(values)

    def _append(self, _: Any) -> None:
        self._extend([self.stack.pop()])

    def _appends(self, _: Any) -> None:
        self._extend(self._since_mark())

    _additems = _appends

    def _setitem(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._store([key, value])

    def _setitems(self, _: Any) -> None:
        self._store(self._since_mark())

    def _extend(self, values: list[Any]) -> None:
        target = self.stack[-1]
        members = target.members if isinstance(target, Made) else target
        if not isinstance(members, list):
            raise TypeError("members for what is no list")
        members.extend(values)

    def _store(self, values: list[Any]) -> None:
        target = self.stack[-1]
        items = target.items if isinstance(target, Made) else target
        if not isinstance(items, dict):
            raise TypeError("items for what is no dict")
        for key, value in zip(values[::2], values[1::2], strict=True):
            # Other keys may take for ever to hash, and no part of a checkpoint that is used has
            # them.
            if isinstance(key, _KEY_TYPES):
                items[key] = value

    # Where Python would import, call, or let an object set itself up.

    def _global(self, path: str) -> None:
        self.stack.append(Named(path.replace(" ", ".")))

    def _stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise TypeError("a name that is no text")
        self.stack.append(Named(f"{module}.{name}"))

    def _reduce(self, _: Any) -> None:
        args, maker = self.stack.pop(), self.stack.pop()
        self.stack.append(_noted(maker, args))

    _newobj = _reduce

    def _newobj_ex(self, _: Any) -> None:
        keywords, args, maker = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self.stack.append(Made(maker, args, state=keywords))

    def _obj(self, _: Any) -> None:
        maker, *args = self._since_mark()
        self.stack.append(Made(maker, tuple(args)))

    def _inst(self, path: str) -> None:
        args = self._since_mark()
        self.stack.append(Made(Named(path.replace(" ", ".")), tuple(args)))

    def _build(self, _: Any) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Made):
            self.stack[-1].state = state

    def _persid(self, identity: Any) -> None:
        self.stack.append(Persistent(identity))

    def _binpersid(self, _: Any) -> None:
        self.stack.append(Persistent(self.stack.pop()))


_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_SET": list, "EMPTY_TUPLE": tuple}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_IGNORED = {"PROTO", "FRAME"}
_LITERALS = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
    "BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8",
}  # fmt: skip


def _noted(maker: Any, args: Any) -> Any:
    """A note of the call; but an ordered dict, which checkpoints are full of, as the dict it is."""
    if isinstance(maker, Named) and maker.path == "collections.OrderedDict":
        pairs = args[0] if isinstance(args, tuple) and args else []
        items = [value for pair in pairs for value in pair]
        machine = _Machine()
        machine.stack.append({})
        machine._store(items)
        return machine.stack[0]
    return Made(maker, args)


def read_pickle(data: bytes) -> Any:
    """What a pickle describes, with `Named`, `Made` and `Persistent` in place of live objects.

    Args:
        data: The pickle's bytes, any protocol.

    Raises:
        InvalidInput: It is cut off, too large, or no pickle.
    """
    if len(data) > MAX_BYTES:
        raise InvalidInput(
            f"the pickle in this file has {len(data)} bytes; at most {MAX_BYTES} are read."
        )
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(data):
            machine.run(opcode.name, argument)
    except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError) as error:
        raise InvalidInput(f"not a readable pickle, or one that is cut off: {error}.") from error
    return machine.result
