"""Reads the tensors of a TorchScript archive without running any of its code.

OpenAI's weights are TorchScript archives: a zip whose data.pkl rebuilds objects of classes that exist only in
the archive's own code. Here those classes become plain holders of attributes, tensors are rebuilt from the
archive's storages, and every other class or function a pickle could name is refused.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import torch
from torch import Tensor

_DTYPES = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class _StorageType:
    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype


class _Holder:
    """Stands for an object of a scripted class: its attributes and nothing else."""

    def __setstate__(self, state: object) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError("a scripted object whose state is no dictionary")
        self.attributes = state


def _rebuild_tensor(storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object) -> Tensor:
    return torch.as_strided(storage, size, stride, offset)


def _rebuild_parameter(data: Tensor, *_: object) -> Tensor:
    return data


def _same(value: object) -> object:
    return value


class _Unpickler(pickle.Unpickler):
    def __init__(self, archive: zipfile.ZipFile, root: str) -> None:
        super().__init__(io.BytesIO(archive.read(f"{root}/data.pkl")))
        self.archive = archive
        self.root = root
        self.storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> object:
        if module.startswith("__torch__"):
            return type("Scripted", (_Holder,), {})
        if module == "torch" and name in _DTYPES:
            return _StorageType(_DTYPES[name])
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _rebuild_parameter
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch.jit._pickle" and name.startswith(("build_", "restore_type_tag")):
            return _same if name.startswith("build_") else (lambda value, _tag: value)
        raise pickle.UnpicklingError(f"{module}.{name} is neither a tensor nor a part of the model, refused")

    def persistent_load(self, identifier: tuple) -> Tensor:
        kind, storage_type, key, _device, count = identifier
        if kind != "storage" or not isinstance(storage_type, _StorageType):
            raise pickle.UnpicklingError("an unknown kind of stored object")
        if key not in self.storages:
            data = bytearray(self.archive.read(f"{self.root}/data/{key}"))
            if len(data) < count * storage_type.dtype.itemsize:
                raise pickle.UnpicklingError(f"storage {key} is cut short")
            self.storages[key] = torch.frombuffer(data, dtype=storage_type.dtype) if data else torch.empty(0)
        return self.storages[key]


def _collect(value: object, prefix: str, found: dict[str, Tensor]) -> None:
    if isinstance(value, Tensor):
        found[prefix] = value
    elif isinstance(value, _Holder):
        for name, inner in value.attributes.items():
            _collect(inner, f"{prefix}.{name}" if prefix else name, found)


def read_archive(path: Path) -> dict[str, Tensor]:
    """The archive's parameters and buffers by their dotted names, in the precision they are stored in."""
    with zipfile.ZipFile(path) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise ValueError("no data.pkl inside")
        root = _Unpickler(archive, pickles[0].removesuffix("/data.pkl")).load()
    found: dict[str, Tensor] = {}
    _collect(root, "", found)
    if not found:
        raise ValueError("it holds no tensors")
    return found
