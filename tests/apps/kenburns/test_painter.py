from __future__ import annotations

import numpy as np
import pytest
import torch

from apps.kenburns import KenBurns
from apps.kenburns.camera import Pose
from apps.kenburns.colours import Colours
from apps.kenburns.painter import CpuPainter, covered
from apps.kenburns.torch_painter import TorchPainter
from cartoonedit.errors import InvalidInput
from cartoonedit.scene import Scene

DEVICES = [
    pytest.param(torch.device("cpu"), id="cpu"),
    pytest.param(
        torch.device("cuda"),
        id="cuda",
        marks=[
            pytest.mark.gpu,
            pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
        ],
    ),
]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "options",
    [
        {"move": "autozoom"},
        {"move": "orbit", "accent": "sway", "strength": 2.0},
        {"move": "circle", "linear_light": True},
        {"move": "dolly", "aperture": 1.5},
        {"move": "rise", "transparent": True},
    ],
    ids=str,
)
def test_torch_paints_the_same_pixels(
    make_scene, device: torch.device, options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    depth = np.full((72, 128), 0.9, np.float32)
    depth[40:, :50] = 0.5  # an edge of depth in the plate, so that it tears
    scene = make_scene("overlap", depth=depth)
    shots = []
    for kind in ("opencv", "torch"):
        if kind == "torch":
            monkeypatch.setattr(
                "apps.kenburns.render._painter",
                lambda frame_wh, look: TorchPainter(frame_wh, Colours(look.linear), device),
            )
        shots.append(KenBurns(**options).prepare(scene))
    for t in (0.0, 0.2, 0.55, 1.0):
        one, other = (shot.frame(t).astype(int) for shot in shots)
        if options.get("transparent"):  # colours mean nothing where alpha is low
            one, other = (frame * (frame[..., 3:] / 255) for frame in (one, other))
        assert np.abs(one - other).max() <= 2, t
    assert (shots[0].frame(0.55) != shots[0].frame(0.0)).any()


@pytest.mark.parametrize("device", DEVICES)
def test_the_identity_is_the_picture_on_any_device(
    scene: Scene, device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "apps.kenburns.render._painter",
        lambda frame_wh, look: TorchPainter(frame_wh, Colours(look.linear), device),
    )
    np.testing.assert_array_equal(KenBurns().prepare(scene).render(Pose()), scene.picture)


def test_a_device_that_is_not_there(make_scene) -> None:
    if torch.backends.mps.is_available():
        pytest.skip("there is one")
    with pytest.raises(InvalidInput, match="not available"):
        KenBurns(render_device="mps").prepare(make_scene("none"))


@pytest.mark.parametrize(
    ("shift", "rows", "columns"),
    [
        ((0, 0), slice(0, 6), slice(0, 11)),
        ((100, 0), slice(0, 6), slice(99, 40)),
        ((-50, -50), slice(0, -44), slice(0, -39)),
    ],
)
def test_what_a_texture_can_touch(shift: tuple[int, int], rows: slice, columns: slice) -> None:
    matrix = np.array([[1.0, 0, shift[0]], [0, 1.0, shift[1]]])
    found = covered(matrix, (5, 10), (30, 40))
    assert (found[0].start, found[1].start) == (rows.start, columns.start)
    assert found[1].stop - columns.stop in (0, 1)


def test_what_leaves_the_frame_is_not_drawn() -> None:
    painter = CpuPainter((40, 30), Colours())
    texture = painter.texture(np.full((5, 10, 4), 255, np.uint8))
    for shift in ((100, 0), (-100, 0), (0, 100), (0, -100)):
        matrix = np.array([[0.5, 0, shift[0]], [0, 0.5, shift[1]]])
        assert not painter.move(painter.frame(), texture, matrix).any()
