"""The options of a search: validated, from a TOML file, the command line, or Python."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from evonas.app.timetable import seconds
from evonas.core import trust
from evonas.core.errors import EvonasError, choices
from evonas.core.own_metrics import split_name
from evonas.core.parsing import read_toml
from evonas.core.specs import split_specs
from evonas.domains.domain import takes_root

log = logging.getLogger(__name__)

ONE_OF = {"limits": "limit", "metrics": "metric", "start": "start"}  # options that the command line has one by one
WRITTEN = ("timetable", "first", "grouped")  # by a search into its record


def specs(values: Mapping[str, Any]) -> list[str]:
    """What among options may name code."""
    metrics = values.get("metrics") or ()
    named = [metrics] if isinstance(metrics, str) else [one for one in _listed(metrics) if isinstance(one, str)]
    tracked = [one for one in _listed(values.get("track")) if isinstance(one, str)]
    return [*(one for one in values.values() if isinstance(one, str)), *(split_name(one)[1] for one in named), *tracked]


def _listed(value: Any) -> Iterable[Any]:
    """An option's values, whatever a file says instead of a list of them; what is wrong with it is said later."""
    return value if isinstance(value, list | tuple) else ()


_LONGEST_NAME = 100
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # what Windows takes for devices


def check_name(name: str, *, recorded: bool = False) -> str:
    """A run's name: letters, digits and . _ -, since it is a folder's too. Raises EvonasError.

    One that an archive holds (`recorded`) may be from before there were rules, or from elsewhere: it must not lead to
    another folder.
    """
    plain = re.fullmatch(r"[\w.-]*\w[\w.-]*", name)
    good = plain and not re.match(r"[.-]", name) and not name.endswith(".") and not _DEVICES.fullmatch(name)
    if not plain or not (recorded or (good and len(name) <= _LONGEST_NAME)):
        raise EvonasError(
            f"{name!r} is no name for a run; give letters, digits or any of . _ -, a letter or a digit first, "
            f"{_LONGEST_NAME} at most, and none of Windows' devices"
        )
    return name


class SearchConfig(BaseModel):
    """All options of `evonas search`; a TOML file has the same keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    data: str = Field(
        "digits",
        description="digits, torchvision:NAME, npz:FILE, npy:FOLDER, folder:PATH, csv:FILE, tars:FOLDER, hf:FOLDER, "
        "or module:attribute",
    )
    evaluator: str = Field("", description="instead of data: your function, file.py:attribute or module:attribute")
    encoding: str = Field(
        "", description="cell, macro, module:attribute or file.py:attribute; cell(width=32); the data's own by default"
    )
    method: str = Field(
        "evolution", description="evolution, aging, nsga2, nsga3, random, local, bayes, or module:attribute"
    )
    surrogate: str = Field("meta", description="what ranks candidates: meta (the memory), boosting, process, or none")
    objectives: str = Field("val_accuracy", description="comma-separated metrics; the first decides what is best")
    limits: list[str] = Field([], description="limits that the network is to keep: params<=200000, val_accuracy>=0.9")
    metrics: list[str] = Field([], description="metrics of your own: file.py:function, NAME=module:attribute")
    start: list[Any] = Field(
        [], description="networks of your own that are tried after the baseline: genome.json, a cell"
    )
    trials: int | None = Field(None, ge=1, description="trainings to spend; 24 where no --seconds are given")
    seconds: float | None = Field(None, gt=0, description="seconds of wall clock to spend")
    deadline: Annotated[float, Field(gt=0)] | Literal["auto"] | None = Field(
        None, description="seconds from the command to the last file, or 90s, 10m, 1h30m; auto: as suits the data"
    )
    timetable: dict[str, Any] | None = Field(None, description="how a deadline was divided; written by the search")
    first: list[Any] | None = Field(None, description="genomes that are tried first; written by the search")
    epochs: int | None = Field(None, ge=1, description="full epochs of a training; chosen from the data by default")
    groups: str | None = Field(
        None,
        description="what stays on one side of every split: a file with a group for each example, or a folders' level",
    )
    grouped: str | None = Field(None, description="tells whether the groups are the same; written by the search")
    train_size: int | None = Field(None, ge=1, description="train on so many images only")
    workers: int = Field(1, ge=1, description="trainings at the same time, each in a process of its own")
    per_device: Annotated[int, Field(ge=1)] | Literal["auto"] | None = Field(
        None, description="trainings that share a device, instead of --workers; 'auto' measures how many"
    )
    together: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        1, description="trainings that take turns in each process; 'auto' measures how many"
    )
    executor: str = Field("processes", description="where: processes of this machine, ray, or dask; ray(gpus=0.5)")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps")
    timeout: float | None = Field(None, gt=0, description="seconds after which a training is given up")
    inherit: bool = Field(False, description="start a child from its parent's weights; biases what is compared")
    refit_all: bool = Field(
        False, description="let the final network learn from validation examples that were given, too"
    )
    balance: bool = Field(False, description="let classes count alike in the loss, however many examples they have")
    loss: str | None = Field(None, description="your function (logits, labels) -> loss, instead of cross-entropy")
    optimizer: str | None = Field(None, description="your function parameters -> optimizer of torch")
    augment: str | None = Field(None, description="your function images -> images, instead of what recipes vary")
    ensemble: int = Field(
        1,
        ge=1,
        description="so many of the best genomes share a deadline's final training and are one network",
    )
    tta: Literal["auto", "off"] = Field(
        "auto", description="test-time augmentation of a deadline's final network: auto: where it helps on validation"
    )
    stop_early: float | None = Field(
        None, gt=0, lt=1, description="stop a training that cannot come among this share of the best"
    )
    seed: int = Field(0, ge=0, lt=2**63, description="of the split, the search and the trainings")
    name: str | None = Field(None, description="of the run; by default made from data and encoding")
    out: str | None = Field(None, description="folder for the results; runs/NAME by default")
    archive: str | None = Field(None, description="file or database URL; EVONAS_ARCHIVE, or one in your data folder")
    track: list[str] = Field([], description="trackers of experiments: tensorboard, mlflow, wandb, trackio")
    strict: bool = Field(False, description="refuse data of which a file is passed over, or a value clipped")
    root: str | None = Field(None, description="folder of torchvision's data sets")

    @field_validator("deadline", mode="before")
    @classmethod
    def _duration(cls, value: Any) -> Any:
        return seconds(value) if isinstance(value, str) and value != "auto" else value

    @field_validator("out", "archive", "root", "groups", mode="before")
    @classmethod
    def _somewhere(cls, value: Any) -> Any:
        if value == "":
            raise ValueError("it names no place; give one, or leave it out")
        if isinstance(value, str) and "\0" in value:
            raise ValueError("no place has a zero byte in its name; give another")
        return value

    @field_validator("start", mode="after")
    @classmethod
    def _begun(cls, value: list[Any]) -> list[Any]:
        if "" in value:
            raise ValueError("it names no file; give a genome.json, or leave it out")
        return value

    @field_validator("surrogate", mode="after")
    @classmethod
    def _ranker(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("it names no ranker; give one, or none")
        return value

    @field_validator("metrics", mode="after")
    @classmethod
    def _named(cls, value: list[str]) -> list[str]:
        if not all(one.strip() for one in value):
            raise ValueError("it names no function; give for example my.py:energy")
        return value

    @field_validator("track", mode="before")
    @classmethod
    def _by_commas(cls, value: Any) -> Any:
        given = [value] if isinstance(value, str) else value
        if isinstance(given, list | tuple) and all(isinstance(one, str) for one in given):
            given = [one for text in given for one in split_specs(text)]
            if not all(given):
                raise ValueError("it names no tracker; give for example tensorboard,mlflow")
        return given

    @field_validator("limits", "metrics", "start", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str | os.PathLike) else value

    @field_validator("*", mode="before")
    @classmethod
    def _plain(cls, value: Any, info: ValidationInfo) -> Any:
        """Paths and numpy's numbers as what they stand for; True is no number."""
        if type(value).__module__ == "numpy" and hasattr(value, "item"):
            value = value.item()
        if info.field_name == "groups" and isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is not bool:
            raise ValueError("true and false are no values of this option")
        return value

    @classmethod
    def make(cls, values: Mapping[str, Any], *, recorded: bool = False) -> SearchConfig:
        """Raises EvonasError, one line, that names the key, the value and what it may be.

        `recorded` values are those of a run in an archive.
        """
        for key in values:
            if key not in cls.model_fields:
                near = get_close_matches(key, cls.model_fields, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {choices(cls.model_fields)}"
                raise EvonasError(f"no option named {key!r}; {hint}")
        written = next((key for key in WRITTEN if values.get(key) is not None), None)
        if written and not recorded:
            raise EvonasError(f"{written!r} is no option: a search finds it and records it; take it out")
        for key in ("evaluator", "encoding") if not recorded else ():
            if values.get(key) == "":
                raise EvonasError(f"--{key} '' names none; give one, or leave it out")
        if values.get("evaluator"):
            if values.get("data"):
                raise EvonasError(
                    f"--evaluator {values['evaluator']!r} and --data {values['data']!r} exclude one another: "
                    "an evaluator of your own loads its own data"
                )
            values = {**values, "data": ""}
        if values.get("root") and not recorded:
            own, source = values.get("evaluator"), str(values.get("data") or "digits")
            if own or not takes_root(source):
                why = f"--evaluator {own!r} loads its own data" if own else f"--data {source} is none of them"
                raise EvonasError(
                    f"--root {values['root']} is where torchvision's data sets lie, and {why}; leave it out"
                )
        for other in ("seconds", "epochs", "inherit", "stop_early") if values.get("deadline") else ():
            if values.get(other):
                raise EvonasError(
                    f"--deadline {values['deadline']} and --{other.replace('_', '-')} {values[other]} exclude one "
                    "another: a deadline is divided by evonas"
                )
        try:
            made = cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            key = str(first["loc"][0])  # behind it stands which of several types was tried
            said = [
                one["msg"].removeprefix("Value error, ") for one in error.errors() if one["loc"][0] == first["loc"][0]
            ]
            message = ", or ".join(one.replace("Input should", "input should", 1) for one in said)
            flag = "--" + ONE_OF.get(key, key).replace("_", "-")
            value = first.get("input")
            given = " ".join(repr(value[0] if key in ONE_OF and isinstance(value, list) and value else value).split())
            raise EvonasError(f"{flag} {given[:200]} is not valid: {message[0].lower()}{message[1:]}") from None
        if made.deadline is not None and made.together != 1:
            raise EvonasError(
                f"--deadline {values['deadline']} and --together {made.together} exclude one another: trainings that "
                "follow the clock would take one another's time; give --trials or --seconds"
            )
        if made.name is not None:
            check_name(made.name, recorded=recorded)
        return made

    @classmethod
    def from_record(cls, values: Mapping[str, Any], changes: Mapping[str, Any]) -> SearchConfig:
        """The options that an archive holds of a run, with changes on top.

        An option that this version does not have is left out, and said so; among the changes it is an error.
        """
        unknown = [key for key in values if key not in cls.model_fields]
        for key in unknown:
            if values[key] not in (None, False, ""):
                log.warning("the run was made with %s=%r, an option that this evonas does not have", key, values[key])
        return cls.make(
            {**{key: value for key, value in values.items() if key not in unknown}, **changes}, recorded=True
        )

    @classmethod
    def from_toml(cls, path: str | Path, overrides: Mapping[str, Any]) -> SearchConfig:
        """The file's options, those given otherwise on top. Raises EvonasError where it cannot be read."""
        values = read_toml(Path(path), "the configuration")
        values = {key.replace("-", "_"): value for key, value in values.items()}
        if written := next((key for key in WRITTEN if key in values), None):
            raise EvonasError(
                f"{written!r} of {str(path)!r} is no option: a search finds it and records it; take it out"
            )
        if table := next((key for key, value in values.items() if isinstance(value, dict)), None):
            raise EvonasError(f"{str(path)!r} has a table [{table}]; its options stand at the top, in no table")
        named = specs({key: value for key, value in values.items() if key not in overrides})
        trust.admit(named, source=f"the configuration {str(path)!r}")
        try:
            return cls.make({**values, **overrides})
        except EvonasError as error:
            cls.make(overrides)  # where it is these alone, the file has nothing to do with it
            raise EvonasError(f"the configuration {str(path)!r}: {error}") from None

    @property
    def method_spec(self) -> str:
        """`SEARCHER` or `SEARCHER+RANKER`."""
        from evonas.search.methods import with_surrogate

        return with_surrogate(self.method, self.surrogate)

    def spelled(self) -> SearchConfig:
        """With the screening's options spelt out, so that a resumed run has them whatever the defaults are then."""
        from evonas.search.methods import parse_method, spelled

        full = spelled(self.method_spec)
        if self.surrogate == "none" or parse_method(self.method).ranker is not None:
            return self.model_copy(update={"method": full})
        return self.model_copy(update={"surrogate": full.removeprefix(f"{self.method.strip()}+")})
