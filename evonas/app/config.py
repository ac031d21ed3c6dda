"""What a search is asked to do: validated, from a TOML file, the command line, or Python."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evonas.core import trust
from evonas.core.errors import EvonasError, choices


class SearchConfig(BaseModel):
    """All options of `evonas search`; a TOML file has the same keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: str = Field("digits", description="digits, torchvision:NAME, npz:PATH, folder:PATH, or module:attribute")
    encoding: str = Field(
        "", description="cell, macro, module:attribute or file.py:attribute; cell(width=32); the data's own by default"
    )
    method: str = Field("evolution", description="evolution, aging, nsga2, random, local, or module:attribute")
    surrogate: str = Field("meta", description="what ranks the offspring: meta (the memory), boosting, or none")
    objectives: str = Field("val_accuracy", description="comma-separated metrics; the first decides what is best")
    trials: int | None = Field(None, ge=1, description="trainings to spend; 24 where no --seconds are given")
    seconds: float | None = Field(None, gt=0, description="seconds of wall clock to spend")
    epochs: int | None = Field(None, ge=1, description="full epochs of a training; chosen from the data by default")
    train_size: int | None = Field(None, ge=1, description="train on so many images only")
    workers: int = Field(1, ge=1, description="trainings at the same time, each in a process of its own")
    per_device: Annotated[int, Field(ge=1)] | Literal["auto"] | None = Field(
        None, description="trainings that share a device, instead of --workers; 'auto' measures how many"
    )
    executor: str = Field("processes", description="where: processes of this machine, ray, or dask; ray(gpus=0.5)")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps")
    timeout: float | None = Field(None, gt=0, description="seconds after which a training is given up")
    inherit: bool = Field(False, description="start a child from its parent's weights; biases what is compared")
    stop_early: float | None = Field(
        None, gt=0, lt=1, description="give up a training that cannot come among this share of the best"
    )
    seed: int = Field(0, ge=0, description="of the split, the search and the trainings")
    name: str | None = Field(
        None, pattern=r"^[\w.-]+$", description="of the run; by default made from data and encoding"
    )
    out: str | None = Field(None, description="folder for the results; runs/NAME by default")
    archive: str | None = Field(None, description="file or database URL; EVONAS_ARCHIVE, or one in your data folder")
    strict: bool = Field(False, description="refuse data of which a file is passed over, or a value clipped")
    root: str | None = Field(None, description="folder of torchvision's data sets")

    @classmethod
    def make(cls, values: Mapping[str, Any]) -> SearchConfig:
        """Raises EvonasError, one line, that names the key, the value and what it may be."""
        for key in values:
            if key not in cls.model_fields:
                near = get_close_matches(key, cls.model_fields, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {choices(cls.model_fields)}"
                raise EvonasError(f"no option named {key!r}; {hint}")
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            key = str(first["loc"][0])  # behind it stands which of several types was tried
            message = first["msg"][0].lower() + first["msg"][1:]
            flag = "--" + key.replace("_", "-")
            raise EvonasError(f"{flag} {first.get('input')!r} will not do: {message}") from None

    @classmethod
    def from_toml(cls, path: str | Path, overrides: Mapping[str, Any]) -> SearchConfig:
        """The file's options, those given otherwise on top. Raises EvonasError where it cannot be read."""
        try:
            values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise EvonasError(f"cannot read the configuration {str(path)!r}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise EvonasError(f"{str(path)!r} is no TOML file: {error}") from error
        values = {key.replace("-", "_"): value for key, value in values.items()}
        named = [value for key, value in values.items() if isinstance(value, str) and key not in overrides]
        trust.admit(named, source=f"the configuration {str(path)!r}")
        return cls.make({**values, **overrides})

    @property
    def method_spec(self) -> str:
        """`SEARCHER` or `SEARCHER+RANKER`."""
        return self.method if self.surrogate == "none" or "+" in self.method else f"{self.method}+{self.surrogate}"
