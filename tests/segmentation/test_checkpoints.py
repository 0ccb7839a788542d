"""Weights of every origin load, and files made to do harm do none."""

from __future__ import annotations

import builtins
import contextlib
import os
import pickle
import struct
import subprocess
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import nn

from cartoonedit.errors import InvalidInput, ModelNotFound
from segmentation.checkpoints import likely_network, load_into, load_state_dict, read_meta
from segmentation.isnet import ISNet
from segmentation.pickle_data import read_pickle
from segmentation.rtmdet import RTMDetIns

CONFIG = """
model = dict(
    data_preprocessor=dict(mean=[103.53, 116.28, 123.675], std=[57.375, 57.12, 58.395]),
    test_cfg=dict(score_thr=0.05, nms=dict(type='nms', iou_threshold=0.6), max_per_img=100,
                  mask_thr_binary=0.5))
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(640, 480))]
danger = __import__('os').system('false')
"""


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {
        "a.weight": torch.randn(4, 3),
        "a.half": torch.randn(5).half(),
        "b.count": torch.tensor(7),
        "b.transposed": torch.randn(3, 4).t(),
    }


def assert_same(actual: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert actual.keys() == expected.keys()
    for name, tensor in expected.items():
        assert actual[name].dtype == tensor.dtype
        assert torch.equal(actual[name], tensor)


# Files of every origin.


def test_fixture_checkpoint_of_mmengine(shared: Path) -> None:
    folder = shared / "fixtures/segmentation"
    path = folder / "checkpoints/rtmdet_nano_mmengine.ckpt"
    assert_same(load_state_dict(path), load_file(folder / "rtmdet_ins_nano_weights.safetensors"))
    assert load_into(RTMDetIns("nano"), load_state_dict(path)) == []
    meta = read_meta(path)
    assert meta.input_size_wh == (640, 640)
    assert (meta.score_threshold, meta.nms_iou, meta.max_instances) == (0.05, 0.6, 100)
    assert meta.mean == (103.53, 116.28, 123.675)


WRAPPERS: dict[str, Callable[[dict[str, torch.Tensor]], Any]] = {
    "plain": lambda state: state,
    "ordered": OrderedDict,
    "parameters": lambda state: {
        k: nn.Parameter(v) if v.is_floating_point() else v for k, v in state.items()
    },
    "data parallel": lambda state: {f"module.{k}": v for k, v in state.items()},
    "under model": lambda state: {"model": state, "epoch": 3},
    "lightning": lambda state: {
        "epoch": 3,
        "pytorch-lightning_version": "2.6",
        "state_dict": OrderedDict(
            [(f"net.{k}", v) for k, v in state.items()] + [("gt_encoder.x", torch.zeros(1))]
        ),
        "hyper_parameters": types.SimpleNamespace(lr=1e-3),
    },
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_torch_files(
    tmp_path: Path, state: dict[str, torch.Tensor], wrapper: str, protocol: int
) -> None:
    torch.save(WRAPPERS[wrapper](state), tmp_path / "w.ckpt", pickle_protocol=protocol)
    assert_same(load_state_dict(tmp_path / "w.ckpt"), state)


def test_other_part_of_a_lightning_file(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    torch.save(WRAPPERS["lightning"](state), tmp_path / "w.ckpt")
    found = load_state_dict(tmp_path / "w.ckpt", part="gt_encoder")
    assert_same(found, {"x": torch.zeros(1)})


def test_views_of_one_storage(tmp_path: Path) -> None:
    whole = torch.arange(12.0)
    expected = {"a": whole[2:5], "b": whole.view(3, 4)[:, 1:3], "c": torch.ones(1).expand(3)}
    torch.save(expected, tmp_path / "w.pt")
    with pytest.raises(InvalidInput, match="'c'"):
        load_state_dict(tmp_path / "w.pt")
    torch.save({k: v for k, v in expected.items() if k != "c"}, tmp_path / "w.pt")
    loaded = load_state_dict(tmp_path / "w.pt")
    assert torch.equal(loaded["a"], expected["a"]) and torch.equal(loaded["b"], expected["b"])


def test_safetensors_with_metadata(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    contiguous = {k: v.contiguous() for k, v in state.items()}
    save_file(contiguous, tmp_path / "w.bin", metadata={"size": "tiny"})
    assert_same(load_state_dict(tmp_path / "w.bin"), state)
    assert read_meta(tmp_path / "w.bin").metadata == {"size": "tiny"}


def test_format_of_before_2020(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    torch.save(state, tmp_path / "w.pth", _use_new_zipfile_serialization=False)
    assert_same(load_state_dict(tmp_path / "w.pth"), state)
    torch.save(WRAPPERS["lightning"](state), tmp_path / "w.pth",
               _use_new_zipfile_serialization=False)  # fmt: skip
    with pytest.raises(InvalidInput, match="format from before 2020"):
        load_state_dict(tmp_path / "w.pth")


def test_foreign_classes(
    tmp_path: Path, state: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("foreign.history")

    class Buffer:
        def __init__(self) -> None:
            self.log = np.arange(3.0)
            self.window = Call(getattr, Buffer, "mean")

        def mean(self) -> float:
            return float(self.log.mean())

    class Config(dict):
        def __reduce_ex__(self, protocol: Any) -> Any:
            return Config, ({**self},)

    for cls in (Buffer, Config):
        cls.__module__, cls.__qualname__ = "foreign.history", cls.__name__
        setattr(module, cls.__name__, cls)
    monkeypatch.setitem(sys.modules, "foreign", types.ModuleType("foreign"))
    monkeypatch.setitem(sys.modules, "foreign.history", module)
    said = {"cfg": CONFIG, "env": Config(a=Config(b=1)), "seed": np.int64(3), "slice": slice(1, 2)}
    content = {"meta": said, "state_dict": state, "message_hub": {"buffers": {"loss": Buffer()}}}
    torch.save(content, tmp_path / "w.ckpt")
    monkeypatch.undo()
    assert "foreign" not in sys.modules
    assert_same(load_state_dict(tmp_path / "w.ckpt"), state)
    meta = read_meta(tmp_path / "w.ckpt")
    assert meta.config_text == CONFIG
    assert meta.input_size_wh == (640, 480)
    assert (meta.score_threshold, meta.nms_iou, meta.mask_threshold) == (0.05, 0.6, 0.5)
    assert meta.std == (57.375, 57.12, 58.395)


ODD_CONFIGURATIONS = [
    "not python (", "model = 3", "model = dict(test_cfg=[1])", "a, b = 1, 2", "(" * 5000,
    "model.x = dict()", "-1", "\0", "model = dict(test_cfg=dict(score_thr=eval('1')))",
]  # fmt: skip


@pytest.mark.parametrize("text", ODD_CONFIGURATIONS)
def test_odd_configurations_say_nothing(tmp_path: Path, text: str) -> None:
    torch.save({"meta": {"cfg": text}, "state_dict": {}}, tmp_path / "w.ckpt")
    meta = read_meta(tmp_path / "w.ckpt")
    assert meta.config_text == text
    assert meta.input_size_wh is None and meta.score_threshold is None and meta.mean is None


@pytest.mark.slow
def test_file_of_mmengines_own_saver(tmp_path: Path) -> None:
    config = pytest.importorskip("mmengine.config", reason="mmengine is not installed")
    runner = pytest.importorskip("mmengine.runner")

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Conv2d(3, 4, 3)
            self.data_preprocessor = nn.Identity()

        def forward(self, *_: Any, **__: Any) -> Any:
            return {"loss": self.net(torch.rand(1, 3, 8, 8)).mean()}

        def train_step(self, _: Any, optim_wrapper: Any) -> dict[str, torch.Tensor]:
            loss = self.forward()["loss"]
            optim_wrapper.update_params(loss)
            return {"loss": loss.detach()}

    model = Model()
    trainer = runner.Runner(
        model=model,
        work_dir=str(tmp_path),
        train_dataloader={"dataset": [0, 1], "batch_size": 1, "num_workers": 0,
                          "sampler": {"type": "DefaultSampler", "shuffle": False}},
        optim_wrapper={"optimizer": {"type": "AdamW", "lr": 0.1}},
        train_cfg={"by_epoch": True, "max_epochs": 1},
        custom_hooks=[{"type": "EMAHook"}],
        log_level="ERROR",
        experiment_name="test",
        cfg=config.Config.fromstring(CONFIG.split("danger")[0], ".py"),
    )  # fmt: skip
    trainer.train()
    found = load_state_dict(tmp_path / "epoch_1.pth", part="absent")
    saved = torch.load(tmp_path / "epoch_1.pth", weights_only=False)
    assert_same(found, dict(saved["state_dict"]))
    assert "message_hub" in saved
    assert read_meta(tmp_path / "epoch_1.pth").nms_iou == 0.6


@pytest.mark.slow
def test_file_of_lightnings_own_saver(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning", reason="lightning is not installed")

    class Module(lightning.LightningModule):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.save_hyperparameters({"path": Path("somewhere"), "lr": 1e-3})
            self.net = nn.Conv2d(4, 2, 3)
            self.gt_encoder = nn.Conv2d(1, 2, 3)

        def training_step(self, batch: Any, _: int) -> torch.Tensor:
            return self.net(batch).mean()

        def configure_optimizers(self) -> Any:
            return torch.optim.AdamW(self.parameters())

    module = Module()
    trainer = lightning.Trainer(
        max_steps=1, accelerator="cpu", logger=False, default_root_dir=tmp_path,
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False,
    )  # fmt: skip
    trainer.fit(module, torch.utils.data.DataLoader(torch.rand(2, 4, 8, 8)))
    trainer.save_checkpoint(tmp_path / "w.ckpt")
    assert_same(load_state_dict(tmp_path / "w.ckpt"), module.net.state_dict())
    found = load_state_dict(tmp_path / "w.ckpt", part="gt_encoder")
    assert_same(found, module.gt_encoder.state_dict())


# Files made to do harm.


class Call:
    """Pickles to a call."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


class DictTrap(dict):
    """Pickles to a call while being a dict."""

    def __init__(self, call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return (*self.call, None, None, iter([("weight", torch.zeros(1))]))


def traps(trace: Path) -> dict[str, Call]:
    code = f"open({str(trace)!r}, 'w').close()"
    command = f"touch {trace}"
    return {
        "os.system": Call(os.system, command),
        "eval": Call(builtins.eval, code),
        "exec": Call(builtins.exec, code),
        "popen": Call(subprocess.Popen, ["touch", str(trace)]),
        "open": Call(builtins.open, str(trace), "w"),
        "getattr": Call(builtins.getattr, Call(builtins.__import__, "os"), "system"),
        "torch.save": Call(torch.save, 1, str(trace)),
        "numpy": Call(np.save, str(trace), 1),
        "mkdir": Call(os.mkdir, str(trace)),
        "map": Call(builtins.list, Call(builtins.map, os.mkdir, [str(trace)])),
    }


PLACES: dict[str, Callable[[Any], Any]] = {
    "top": lambda trap: trap,
    "meta": lambda trap: {"state_dict": {"w": torch.zeros(1)}, "meta": {"deep": [{"er": (trap,)}]}},
    "state dict": lambda trap: {"state_dict": trap},
    "value": lambda trap: {"state_dict": {"w": trap}},
    "key": lambda trap: {"state_dict": {trap: torch.zeros(1), "w": torch.zeros(1)}},
    "dict subclass": lambda trap: {"state_dict": DictTrap(trap.call)},
    "subclass in meta": lambda trap: {"state_dict": {"w": torch.zeros(1)},
                                      "meta": DictTrap(trap.call)},
}  # fmt: skip


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", traps(Path()))
def test_booby_traps_leave_no_trace(tmp_path: Path, name: str, place: str, legacy: bool) -> None:
    trace = tmp_path / "trace"
    content = PLACES[place](traps(trace)[name])
    torch.save(content, tmp_path / "w.ckpt", _use_new_zipfile_serialization=not legacy)
    assert not trace.exists()
    harmless = place in ("meta", "key", "subclass in meta") and not legacy
    if harmless:
        assert_same(load_state_dict(tmp_path / "w.ckpt"), {"w": torch.zeros(1)})
    else:
        with pytest.raises(InvalidInput):
            load_state_dict(tmp_path / "w.ckpt")
    read_meta(tmp_path / "w.ckpt")
    assert not trace.exists()


def zip_of(path: Path, pickled: bytes, **records: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", pickled)
        for name, data in records.items():
            archive.writestr(f"x/{name.replace('_', '/')}", data)
    return path


HAND_WRITTEN = {
    "posix": b"cposix\nsystem\n(S'touch TRACE'\ntR.",
    "inst": b"(S'touch TRACE'\niposix\nsystem\n.",
    "obj": b"(cposix\nsystem\nS'touch TRACE'\no.",
    "stack global": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x0btouch TRACE\x85R.",
    "newobj": b"\x80\x02cposix\nsystem\nX\x0b\x00\x00\x00touch TRACE\x85\x81.",
    "build": b"\x80\x02cbuiltins\nobject\n)\x81}X\x0a\x00\x00\x00__setstate__cposix\nsystem\nsb.",
    "extension": b"\x80\x02\x82\x01.",
    "persistent": b"Ptouch TRACE\n.",
}


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_hand_written_pickles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = zip_of(tmp_path / "w.ckpt", HAND_WRITTEN[name])
    for file in (path, tmp_path / "raw.pth"):
        (tmp_path / "raw.pth").write_bytes(b"\x80\x02" + HAND_WRITTEN[name])
        with pytest.raises(InvalidInput):
            load_state_dict(file)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["raw.pth", "w.ckpt"]


def test_tensors_that_claim_more_than_they_have(tmp_path: Path) -> None:
    good = tmp_path / "good.pt"
    torch.save({"w": torch.arange(4.0)}, good)
    with zipfile.ZipFile(good) as archive:
        pickled = archive.read("good/data.pkl")
        numbers = archive.read("good/data/0")
    assert load_state_dict(zip_of(tmp_path / "w.pt", pickled, data_0=numbers))["w"].tolist() == [
        0,
        1,
        2,
        3,
    ]
    huge = pickled.replace(b"K\x04\x85q", b"J\xff\xff\xff\x7f\x85q")
    assert huge != pickled
    for data, records in (
        (huge, {"data_0": numbers}),
        (pickled, {"data_0": numbers[:8]}),
        (pickled, {}),
    ):
        with pytest.raises(InvalidInput):
            load_state_dict(zip_of(tmp_path / "w.pt", data, **records))


def test_pickles_that_would_eat_the_machine() -> None:
    nested = b"(l" + b"\x85" * 200_000 + b"."
    assert isinstance(read_pickle(nested), tuple)
    doubled = b")" + b"2\x86" * 64  # a tuple of 2**64 leaves, as a key: must not be hashed
    assert read_pickle(b"}" + doubled + b"K\x01s.") == {}
    assert read_pickle(b"\x80\x02Nr\xff\xff\xff\x7f.") is None  # a memo slot far out


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_data_or_refused(data: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        read_pickle(data)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
KEYS = st.text() | st.integers()
VALUES = st.recursive(
    LEAVES | st.binary(), lambda v: st.lists(v) | st.dictionaries(KEYS, v) | st.tuples(v, v)
)


@settings(max_examples=100, deadline=None)
@given(VALUES, st.integers(0, 5))
def test_plain_values_survive(value: Any, protocol: int) -> None:
    if protocol < 3:  # bytes are calls of an encoder there
        value = repr(value)
    assert read_pickle(pickle.dumps(value, protocol)) == value


# Files that are damaged, or no checkpoints at all.


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/data.pkl", b"N." + b"\0" * 50_000_000)


BROKEN: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "one byte": lambda path: path.write_bytes(b"\x80"),
    "text": lambda path: path.write_text("hello, I am no checkpoint"),
    "html": lambda path: path.write_text("<!doctype html><html>not found</html>"),
    "git lfs pointer": lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"),
    "zip of something": lambda path: zipfile.ZipFile(path, "w").writestr("a.txt", "a"),
    "zip head only": lambda path: path.write_bytes(b"PK\x03\x04" + b"\0" * 100),
    "zip bomb": bomb,
    "safetensors head": lambda path: path.write_bytes(struct.pack("<Q", 2**40) + b'{"a": 1}'),
    "safetensors json": lambda path: path.write_bytes(struct.pack("<Q", 5) + b"{nope"),
    "a number": lambda path: torch.save(3, path),
    "a tensor": lambda path: torch.save(torch.zeros(1), path),
    "numbered tensors": lambda path: torch.save({0: torch.zeros(1)}, path),
    "empty dict": lambda path: torch.save({}, path),
    "a number in it": lambda path: torch.save({"a": 1}, path),
    "big endian": lambda path: zip_of(path, b"}.", byteorder=b"big"),
    "pickle cut off": lambda path: zip_of(path, b"\x80\x02}("),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_no_checkpoint(tmp_path: Path, kind: str) -> None:
    BROKEN[kind](tmp_path / "w.ckpt")
    with pytest.raises(InvalidInput, match=r"w\.ckpt|pickle"):
        load_state_dict(tmp_path / "w.ckpt")


def test_missing_file() -> None:
    with pytest.raises(ModelNotFound, match=r"nowhere\.ckpt"):
        load_state_dict("nowhere.ckpt")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_truncated_file(
    tmp_path: Path, state: dict[str, torch.Tensor], kind: str, share: float
) -> None:
    path = tmp_path / "w.ckpt"
    if kind == "safetensors":
        save_file({k: v.contiguous() for k, v in state.items()}, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=kind == "zip")
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InvalidInput):
        load_state_dict(path)


# Putting weights into a network.


def test_misfits_are_named() -> None:
    state = ISNet(width=0.0625).state_dict()
    with pytest.raises(
        InvalidInput, match=r"another shape.*IS-Net with 4 input channels, width 0.0625"
    ):
        load_into(ISNet(width=0.125), state)
    state["extra"] = state.pop("side1.bias")
    with pytest.raises(
        InvalidInput, match=r"1 names are missing, first side1.bias; 1 are unexpected, first extra"
    ):
        load_into(ISNet(width=0.0625), state)
    assert load_into(ISNet(width=0.0625), state, strict=False) == ["side1.bias", "extra"]


def test_shared_tensors_may_be_given_once_but_not_twice_differently() -> None:
    torch.manual_seed(1)
    state = RTMDetIns("nano").state_dict()
    once = {
        name: tensor
        for name, tensor in state.items()
        if "reg_convs" not in name and "num_batches_tracked" not in name
    }
    net = RTMDetIns("nano")
    assert load_into(net, once) == []
    assert all(torch.equal(net.state_dict()[name], state[name]) for name in state)
    name = next(name for name in state if "reg_convs" in name and name.endswith("conv.weight"))
    with pytest.raises(InvalidInput, match="one and the same tensor"):
        load_into(net, state | {name: state[name] + 1})


@pytest.mark.parametrize("size", ["nano", "tiny", "s"])
def test_likely_network(size: str) -> None:
    assert likely_network(RTMDetIns(size).state_dict()) == f"RTMDet-Ins {size}"
    assert likely_network({"x": torch.zeros(1)}) is None
