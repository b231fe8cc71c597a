"""Families that are what their class and their parameters are."""

from typing import Any


class Value:
    """repr, equality and hash by class and parameters.

    parameters : what the class takes, each kept as an attribute; a subclass that takes more adds it
    """

    parameters: tuple[str, ...] = ()

    def _values(self) -> list[Any]:
        return [getattr(self, name) for name in self.parameters]

    def __repr__(self) -> str:
        pairs = zip(self.parameters, self._values(), strict=True)
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in pairs)})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), *self._values()))
