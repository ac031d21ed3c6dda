"""Valid data sets in all forms that a search takes, tables of benchmarks, and how they are read."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

from evonas.app.groups import _of_file
from evonas.app.predicting import predictions
from evonas.domains.domain import domain_named, load_data
from evonas.domains.images import images_from_arrays
from evonas.domains.images.network import Network
from evonas.training.data import Preprocessing
from evonas_benchmarks.tables.frames import from_frame
from evonas_benchmarks.tables.frames import read_frame as frame_of

X, Y = np.arange(12 * 64).reshape(12, 8, 8).astype(np.uint8), np.arange(12) % 2
FORMATS = {"PNG": {}, "JPEG": {}, "GIF": {}, "BMP": {}, "WEBP": {}, "TIFF": {}, "PPM": {}, "TGA": {}, "JPEG2000": {}}
RANDOM = np.random.default_rng(0)


def source(name: str) -> Callable[[Path], None]:
    """Reads a file as `--data NAME:FILE` does, and splits it as a search does."""
    return lambda path: _searched(f"{name}:{path}")


def folder_of(name: str, up: int = 1) -> Callable[[Path], None]:
    """The same of the folder that the file is in."""
    return lambda path: _searched(f"{name}:{path.parents[up - 1]}")


def _searched(spec: str) -> None:
    found: Any = load_data(spec)
    domain_named(found.domain).split(found, seed=0)


def npy(array: np.ndarray) -> bytes:
    made = io.BytesIO()
    np.save(made, array)
    return made.getvalue()


def npz(**arrays: Any) -> bytes:
    made = io.BytesIO()
    np.savez(made, **arrays)
    return made.getvalue()


@cache
def picture(kind: str = "PNG", mode: str = "RGB", seed: int = 0) -> bytes:
    made, pixels = io.BytesIO(), np.random.default_rng(seed).integers(256, size=(8, 8, 3)).astype(np.uint8)
    Image.fromarray(pixels).convert(mode).save(made, kind)
    return made.getvalue()


def pictures(folder: Path) -> Sequence[bytes]:
    modes = [picture("PNG", mode) for mode in ("L", "RGBA", "P", "LA", "1", "I;16")]
    animated = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(animated, "GIF", save_all=True, append_images=frames[1:])
    return [*(picture(kind) for kind in FORMATS), *modes, animated.getvalue()]


def photos(folder: Path) -> Sequence[bytes]:
    """Two pictures of each of two classes, beside which the first one lies."""
    for i, place in enumerate(("a/2", "a/3", "a/4", "b/1", "b/2", "b/3", "b/4")):
        path = folder / "photos" / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(seed=i))
    return pictures(folder)


def lists(folder: Path) -> Sequence[bytes]:
    for i, name in enumerate("abcdef"):
        (folder / f"{name}.png").write_bytes(picture(seed=i))
    plain = "path,label,split\n" + "".join(f"{name}.png,{'xy'[i % 2]},train\n" for i, name in enumerate("abcdef"))
    return [
        plain.encode(),
        "﻿image;class\na.png;1\nb.png;2\nc.png;1\nd.png;2\ne.png;1\nf.png;2\n".encode(),
        plain.replace(",", "\t").encode(),
    ]


def tars(folder: Path) -> Sequence[bytes]:
    made = []
    for kind, label in (
        (tarfile.PAX_FORMAT, b"7"),
        (tarfile.GNU_FORMAT, b"7"),
        (tarfile.USTAR_FORMAT, b'{"kind": "x"}'),
    ):
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode="w", format=kind) as file:
            for i in range(6):
                for ending, content in (("png", picture(seed=i)), ("cls", label + str(i % 2).encode())):
                    member = tarfile.TarInfo(f"a/{i}.{ending}")
                    member.size = len(content)
                    file.addfile(member, io.BytesIO(content))
        made.append(written.getvalue())
    return made


def image_arrays(folder: Path) -> Sequence[bytes]:
    jpegs = [picture("JPEG", seed=i) for i in range(12)]
    offsets = np.cumsum([0, *map(len, jpegs)])
    coded = npz(jpeg_train=np.frombuffer(b"".join(jpegs), np.uint8), offset_train=offsets, y_train=Y)
    return [
        npz(x_train=X, y_train=Y),
        npz(x_train=X / 255, y_train=Y, x_test=X[:4] / 255, y_test=Y[:4], class_names=["a", "b"]),
        npz(x_train=X, y_train=np.array(["cat", "dog"])[Y], x_val=X[:4], y_val=np.array(["cat", "dog"])[Y[:4]]),
        coded,
    ]


def series_arrays(folder: Path) -> Sequence[bytes]:
    x = RANDOM.normal(size=(12, 20, 2)).astype(np.float32)
    return [
        npz(x_train=x, y_train=Y),
        npz(x_train=x[..., 0], y_train=Y, x_test=x[:4, :, 0], y_test=Y[:4], class_names=["a", "b"]),
    ]


def _challenge(folder: Path) -> None:
    np.save(folder / "train_x.npy", X[:, None] / 255)
    np.save(folder / "train_y.npy", Y)
    (folder / "metadata").write_text('{"num_classes": 2, "input_shape": [12, 1, 8, 8]}')


def challenge_images(folder: Path) -> Sequence[bytes]:
    _challenge(folder)
    return [npy(X[:, None]), npy(X[:, None].astype(np.float32)), npy(X / 255)]


def challenge_labels(folder: Path) -> Sequence[bytes]:
    _challenge(folder)
    return [npy(Y), npy(Y.astype(np.uint8)), npy(Y.astype(np.float64))]


def challenge_metadata(folder: Path) -> Sequence[bytes]:
    _challenge(folder)
    held = {"num_classes": 2, "input_shape": [12, 1, 8, 8], "codename": "A", "benchmark": 90.5, "time_limit": 2}
    return [json.dumps(held).encode(), json.dumps({**held, "label": "x", "sources": ["digits"]}).encode()]


def _hub() -> pd.DataFrame:
    return pd.DataFrame(
        {"image": [{"bytes": picture(seed=i), "path": f"{i}.png"} for i in range(6)], "label": [0, 1] * 3}
    )


def hub_tables(folder: Path) -> Sequence[bytes]:
    made = io.BytesIO()
    _hub().to_parquet(made, index=False)
    return [made.getvalue()]


def _saved(folder: Path) -> tuple[bytes, bytes]:
    import pyarrow as pa

    place = folder / "saved"
    place.mkdir(exist_ok=True)
    table, written = pa.Table.from_pandas(_hub(), preserve_index=False), io.BytesIO()
    with pa.ipc.new_stream(written, table.schema) as stream:
        stream.write_table(table)
    state = json.dumps({"_data_files": [{"filename": "data.arrow"}], "_fingerprint": "1", "_split": "train"}).encode()
    (place / "data.arrow").write_bytes(written.getvalue())
    (place / "state.json").write_bytes(state)
    return written.getvalue(), state


def saved_tables(folder: Path) -> Sequence[bytes]:
    return [_saved(folder)[0]]


def saved_states(folder: Path) -> Sequence[bytes]:
    return [_saved(folder)[1]]


def ts(folder: Path) -> Sequence[bytes]:
    head = "#a comment\n@problemName x\n@timestamps false\n@univariate false\n@classLabel true a b\n@data\n"
    rows = "".join(f"1,2,{i},?:0.5,-1e3,NaN,{i}:{'ab'[i % 2]}\n" for i in range(12))
    return [(head + rows).encode(), (head + rows.replace(":0.5,-1e3,NaN", "")).encode()]


def tsv(folder: Path) -> Sequence[bytes]:
    return ["".join(f"{1 + i % 2}\t{i}\t0.5\t-1e3\tNaN\n" for i in range(12)).encode()]


def groups(folder: Path) -> Sequence[bytes]:
    return ["".join(f"p{i // 2}\n" for i in range(12)).encode(), b"group\n1\n2\n"]


def read_groups(path: Path) -> None:
    _of_file(path, images_from_arrays(X, Y))


def frames(folder: Path) -> Sequence[bytes]:
    rows = [
        f"{gene},{width},0.{i}5,{i},{i}.5\n" for i, (gene, width) in enumerate((g, w) for g in "abc" for w in (1, 2))
    ]
    return [
        ("kind,width,val_accuracy,params,seconds\n" + "".join(rows)).encode(),
        b'kind,width,val_accuracy\nNone,1,0.5\n"",2,0.25\n',
    ]


def frames_in_parquet(folder: Path) -> Sequence[bytes]:
    made = io.BytesIO()
    pd.read_csv(io.BytesIO(frames(folder)[0])).to_parquet(made, index=False)
    return [made.getvalue()]


def read_frame(path: Path) -> None:
    genes = ("kind", "width")
    from_frame(frame_of(path, genes), genes, {"t": "val_accuracy"})


@cache
def _network() -> Network:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2)).eval()
    return Network(model, Preprocessing((0.5,) * 3, (0.25,) * 3), ("a", "b"), (3, 8, 8))


def arrays(folder: Path) -> Sequence[bytes]:
    return [
        npy(RANDOM.integers(256, size=(3, 8, 8)).astype(np.uint8)),
        npy(RANDOM.random((2, 3, 8, 8)).astype(np.float32)),
    ]


def predicted(path: Path) -> None:
    for one in predictions(_network(), [str(path)]):
        assert one.probabilities.shape == (2,)
