"""The model card of a network: README.md in the form that the Hugging Face Hub reads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evonas.app.formats import FILES, FORMATS, Format
from evonas.app.results import Result
from evonas.core.environment import versions
from evonas.core.figures import count, duration, percent
from evonas.core.files import write_text
from evonas.core.optional import OnTheHub
from evonas.core.parsing import read_json
from evonas.domains.domain import domain_named

MARK = "<!-- written by evonas export -->"
NAMED = 50  # classes that are listed


def write_card(source: Path, result: Result, say: Callable[[str], Any]) -> list[str]:
    """`README.md` in the result's folder, on the formats that are there; one of somebody else's stays. `source` is the
    folder of the network."""
    path = result.folder / "README.md"
    if path.exists() and MARK not in path.read_text(encoding="utf-8", errors="replace"):
        say(f"{path} is not of evonas and stays as it is; no model card was written")
        return []
    there: list[Format] = [one for one in FORMATS if all((result.folder / file).exists() for file in FILES[one])]
    try:
        text = card(result.values, _description(source), there)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:  # who gave the folder wrote them
        say(f"no model card was written: result.json or genome.json is no search's ({type(error).__name__}: {error})")
        return []
    write_text(path, text)
    return [path.name]


def card(values: Mapping[str, Any], network: Mapping[str, Any], formats: Sequence[Format]) -> str:
    """From what `result.json` and `genome.json` say; what they lack is left out."""
    data, classes = (
        str(values.get("task") or network.get("task") or "data of its own"),
        network.get("class_names") or (),
    )
    parts = [_front(values, data, network), f"# {_plain(values['run'])}\n\n{MARK}", _what(values, network)]
    parts += [f"## Data\n\n{_data(values, data, network, classes)}"]
    parts += [f"## Figures\n\n{_rows(_figures(values))}", f"## What it cost\n\n{_rows(_cost(values))}"]
    parts += ["## Use\n\n" + "\n\n".join(_USE[one].format(reads=_reads(network)) for one in formats)]
    parts += [f"## Limits\n\n{_limits(classes)}"]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _front(values: Mapping[str, Any], data: str, network: Mapping[str, Any]) -> str:
    """YAML: JSON's texts and numbers are YAML's too."""
    kind = domain_named(network["domain"]) if network.get("domain") else None
    tag = kind.pipeline_tag if isinstance(kind, OnTheHub) else ""
    lines = ["---", "library_name: evonas", *([f"pipeline_tag: {tag}"] if tag else [])]
    lines += ["tags: [evonas, neural-architecture-search, pytorch]"]
    accuracy = values.get("test_accuracy")
    if accuracy is not None:
        name = _yaml(data)
        task = tag or "other"
        lines += ["metrics: [accuracy]", "model-index:", f"- name: {_yaml(str(values['run']))}"]
        lines += ["  results:", f"  - task: {{type: {task}}}", f"    dataset: {{name: {name}, type: {name}}}"]
        lines += ["    metrics:", f"    - {{type: accuracy, name: Test accuracy, value: {accuracy:.6g}}}"]
    return "\n".join([*lines, "---"])


def _what(values: Mapping[str, Any], network: Mapping[str, Any]) -> str:
    params = values.get("params")
    size = f" of {count(params)} parameters" if params else ""
    trial = f", trial {_plain(values['trial'])} of the search" if values.get("trial") else ""
    by = f"evonas {_plain(values.get('evonas') or versions(('evonas',))['evonas'])}"
    encoding = f" in the encoding {_code(network['encoding'])}" if network.get("encoding") else ""
    return f"A network{size}, found by {by}{encoding}{trial}. Its architecture was searched for, not designed."


def _data(values: Mapping[str, Any], data: str, network: Mapping[str, Any], classes: Sequence[str]) -> str:
    lines = [_code(data)]
    if network.get("input_shape"):
        lines[0] += f", inputs of {_plain('×'.join(map(str, network['input_shape'])))} (channels first)"
    lines += [_plain(note[0].upper() + note[1:]) + "." for note in values.get("notes") or () if "learned from" in note]
    more = f", and {len(classes) - NAMED} more" if len(classes) > NAMED else ""
    named = ", ".join(_code(name) for name in classes[:NAMED])
    return "\n\n".join([*lines, f"{len(classes)} classes: {named}{more}"] if classes else lines)


def _figures(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    figures = [
        ("accuracy on test data, which were looked at once", _with_interval(values)),
        ("accuracy on validation data in the search, by which it was chosen", percent(values.get("val_accuracy"))),
        ("parameters", f"{values['params']:,}" if values.get("params") else "–"),
        ("operations of an input (a multiply-add is two)", count(values.get("flops"))),
    ]
    return [(name, figure) for name, figure in figures if figure != "–"]


def _with_interval(values: Mapping[str, Any]) -> str:
    """`97.25 % (95 %: 95.1 to 98.5)`."""
    low, high = (values.get("quality") or {}).get("interval") or (None, None)
    interval = "" if low is None or high is None else f" (95 %: {100 * low:.1f} to {100 * high:.1f})"
    return percent(values.get("test_accuracy")) + interval


def _cost(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    failed = values.get("failed") or 0
    figures = [
        ("trainings in the search", f"{values['trials']}, {failed} of them failed" if values.get("trials") else "–"),
        ("search and final training", duration(values.get("seconds"))),
        ("trained on", str(values.get("device") or "–")),
        ("method", str(values.get("method") or "–")),
        ("seed", str(values.get("seed", "–"))),
    ]
    return [(name, figure) for name, figure in figures if figure != "–"]


def _rows(figures: Sequence[tuple[str, str]]) -> str:
    rows = [f"| {name} | {_plain(figure)} |" for name, figure in figures]
    return "\n".join(["| | |", "|---|---|", *rows]) if rows else "Not recorded."


_USE: Mapping[Format, str] = {
    "safetensors": (
        "With evonas (`genome.json`, `model.safetensors`):\n\n```python\nimport evonas\n\n"
        'network = evonas.load("FOLDER")\nnetwork.predict_names(examples)\nnetwork.predict_proba(examples)\n```'
    ),
    "torch.export": (
        "With torch alone (`model.pt2`; its reader can run code, so load only what you trust). The normalisation is "
        "inside; it takes {reads}, and gives logits:\n\n```python\nimport torch\n\n"
        'model = torch.export.load("model.pt2").module()\nprobabilities = model(x).softmax(1)\n```'
    ),
    "onnx": (
        "With ONNX Runtime (`model.onnx`; the names of the classes are in its metadata, `class_names`). The "
        "normalisation is inside; it takes {reads}, for any n:\n\n```python\nimport onnxruntime\n\n"
        'session = onnxruntime.InferenceSession("model.onnx")\n'
        'probabilities, logits = session.run(None, {{"input": x}})\n```'
    ),
    "standalone": (
        "With torch and Pillow alone (`model.py`, `weights.safetensors`), from the command line or from Python:\n\n"
        "```\npython model.py a.jpg folder/\n```\n\n```python\nfrom model import predict, predict_proba\n```"
    ),
}


def _reads(network: Mapping[str, Any]) -> str:
    shape = ", ".join(map(str, network.get("input_shape") or ("…",)))
    kind = domain_named(network["domain"]) if network.get("domain") else None
    takes = kind.takes if isinstance(kind, OnTheHub) else "numbers as the training data have"
    return f"{_code(f'(n, {shape})')} {takes}"


def _limits(classes: Sequence[str]) -> str:
    return (
        f"It answers with one of its {len(classes) or 'own'} classes whatever it is shown, and its probabilities are "
        "not calibrated. The accuracy above holds for inputs such as the test data; on others (another camera, another "
        "place, a later time) it was not measured. Nobody looked for bias in the data.\n\n"
        "No licence is stated here: what the data allow, and what you grant, is yours to add."
    )


def _yaml(text: str) -> str:
    """A text for YAML, which is JSON's; but some letters end a line there, or are none."""
    written = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() or ord(c) > 0xFFFF else f"\\u{ord(c):04x}" for c in written)


def _plain(value: Any) -> str:
    """Text of anybody's in Markdown: on a line, and shown as it is."""
    return re.sub(r"[<>&`|\[\]]", lambda found: f"&#{ord(found[0])};", " ".join(str(value).split()))


def _code(value: Any) -> str:
    """The same as code."""
    text = " ".join(str(value).split())
    return f"`{text}`" if text and not re.search(r"[<>&`|]", text) else f"<code>{_plain(text)}</code>"


def _description(folder: Path) -> Mapping[str, Any]:
    """What `genome.json` says, where it is there."""
    try:
        found = read_json(folder / "genome.json")
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}
