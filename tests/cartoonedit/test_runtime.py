from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

from cartoonedit.errors import Cancelled, InvalidInput
from cartoonedit.runtime import (
    Interrupt,
    cpu_count,
    pick_device,
    pick_dtype,
    set_threads,
    silent,
)


def test_the_device_is_logged_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "cartoonedit.runtime"):
        device = pick_device("cpu")
    assert device.type == "cpu"
    assert len(caplog.messages) == 1
    assert "device=cpu" in caplog.messages[0] and "dtype=float32" in caplog.messages[0]


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "", "tpu"])
def test_an_unknown_device_names_the_choices(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"Choose one of: auto, .*cpu"):
        pick_device(name)


@pytest.mark.parametrize(
    ("device", "dtype", "expected"),
    [
        ("cpu", "auto", "float32"),
        ("cuda", "auto", "float16"),
        ("mps", "auto", "float32"),
        ("cpu", "bfloat16", "bfloat16"),
        ("cuda", "float32", "float32"),
    ],
)
def test_dtype(device: str, dtype: str, expected: str) -> None:
    assert str(pick_dtype(device, dtype)) == f"torch.{expected}"


def test_an_unknown_dtype_names_the_choices() -> None:
    with pytest.raises(InvalidInput, match="float32, float16, bfloat16; got 'int8'"):
        pick_dtype("cpu", "int8")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 64),  # no cgroup at all
        ({"sys/fs/cgroup/cpu.max": "max 100000"}, 64),
        ({"sys/fs/cgroup/cpu.max": "200000 100000"}, 2),
        ({"sys/fs/cgroup/cpu.max": "150000 100000"}, 2),  # one and a half is rounded up
        ({"sys/fs/cgroup/cpu.max": "1000 100000"}, 1),
        (
            {  # the limit of a group above holds, too
                "proc/self/cgroup": "0::/a/b\n",
                "sys/fs/cgroup/a/cpu.max": "300000 100000",
                "sys/fs/cgroup/a/b/cpu.max": "max 100000",
            },
            3,
        ),
        (
            {  # version 1
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "400000",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            4,
        ),
        ({"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1"}, 64),
        ({"sys/fs/cgroup/cpu.max": "nonsense"}, 64),
    ],
)
def test_cpu_count(
    files: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(64)), raising=False)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert cpu_count(tmp_path) == expected


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert set_threads() == 1
    assert torch.get_num_threads() == 1
    assert set_threads(before) == before
    with pytest.raises(InvalidInput, match="at least 1; got 0"):
        set_threads(0)


def test_ctrl_c_becomes_cancelled() -> None:
    with pytest.raises(Cancelled, match="Ctrl-C"), Interrupt():
        raise KeyboardInterrupt


def test_other_errors_pass_an_interrupt() -> None:
    with pytest.raises(ZeroDivisionError), Interrupt():
        raise ZeroDivisionError


def test_a_cancel_from_another_thread_stops_at_the_next_step() -> None:
    seen: list[int] = []
    with Interrupt() as interrupt:
        progress = interrupt.watch(lambda step, total, message: seen.append(step))
        progress(0, 2, "")
        thread = threading.Thread(target=interrupt.cancel)
        thread.start()
        thread.join()
        with pytest.raises(Cancelled):
            progress(1, 2, "")
    assert interrupt.cancelled and seen == [0]
    silent(0, 0, "")
