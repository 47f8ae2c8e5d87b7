"""Problems of one test file, collected while it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from engine.errors import Problem, Text, did_you_mean
from engine.yamlfile import BilingualError, Document, Path_

MOST_NAMES = 16
Read = TypeVar("Read")
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Notes:
    """A document and what is wrong with it so far."""

    document: Document
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, path: Path_, code: str, text: Text, hint: Text | None = None, *, key: bool = False) -> None:
        self.problems.append(self.document.problem(path, code, text, hint, key=key))

    def unknown(self, path: Path_, code: str, text: Text, word: str, known: Iterable[str], *, key: bool = False) -> None:
        """A name that means nothing, with the nearest that do, or the first few of them."""
        names = list(dict.fromkeys(known))
        more = " …" if len(names) > MOST_NAMES else ""
        few = names[:MOST_NAMES]
        listed = Text(f"known: {', '.join(few)}{more}", f"可用的有：{'、'.join(few)}{more}") if names else None
        self.wrong(path, code, text, did_you_mean(word, names) or listed, key=key)

    def attempt(self, path: Path_, read: Callable[[], Read], *, key: bool = False) -> Read | None:
        """What ``read`` gives; None, with its mistake noted at ``path``, where it raises BilingualError."""
        try:
            return read()
        except BilingualError as error:
            self.wrong(path, error.code, error.text, error.hint, key=key)
            return None

    def validated(self, model: type[Model], path: Path_, data: object) -> Model | None:
        """``data``, which stands at ``path``, as ``model``."""
        try:
            return model.model_validate(data)
        except ValidationError as error:
            self.problems.extend(self.document.problems_of(error, model, path))
            return None
