"""Several looks at one picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cartoonedit.errors import InvalidInput
from segmentation.detect import detect
from segmentation.preprocess import letterbox, normalise
from segmentation.rtmdet import RTMDetIns
from segmentation.views import View, _agreeing, detect_views, parse_views


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    return noise.repeat(10, 0).repeat(10, 1)  # not shrunk, where detect() picks pixels


@pytest.fixture(scope="module")
def net(picture: np.ndarray) -> RTMDetIns:
    torch.manual_seed(3)
    net = RTMDetIns("nano").train()
    for classify, regress in zip(net.bbox_head.rtm_cls, net.bbox_head.rtm_reg, strict=True):
        torch.nn.init.normal_(classify.weight, std=0.3)
        torch.nn.init.zeros_(classify.bias)
        torch.nn.init.normal_(regress.weight, std=0.3)
    square = normalise(torch.from_numpy(letterbox(picture, 96)[0]).permute(2, 0, 1)[None])
    with torch.no_grad():
        for _ in range(30):  # the norms' statistics, without which all features are nearly zero
            net(torch.cat((square, square.flip(-1))))
    return net.eval()


@pytest.mark.parametrize(
    ("text", "views"),
    [
        ("320", (View(320),)),
        ("256 320 320m", (View(256), View(320), View(320, mirrored=True))),
    ],
)
def test_views_are_read(text: str, views: tuple[View, ...]) -> None:
    assert parse_views(text) == views


@pytest.mark.parametrize("text", ["", "0", "100", "m", "320x", "-32", "320mm"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="view"):
        parse_views(text)


def test_one_look_finds_what_detect_finds(net: RTMDetIns, picture: np.ndarray) -> None:
    one = detect(net, picture, size=96, nms_iou=0.55, max_instances=20)
    (fused,) = detect_views(net, [picture], [View(96)], max_instances=20)
    assert len(one) > 3
    np.testing.assert_allclose(fused.scores, one.scores, rtol=1e-5)
    np.testing.assert_allclose(fused.boxes_xyxy, one.boxes_xyxy, rtol=1e-4, atol=1e-3)
    assert (fused.masks != one.masks).mean() < 1e-3


def test_a_mirrored_look_at_a_mirrored_picture_is_the_same_mirrored(
    net: RTMDetIns, picture: np.ndarray
) -> None:
    (plain,) = detect_views(net, [picture], [View(96)], max_instances=5)
    flipped = np.ascontiguousarray(picture[:, ::-1])
    (mirrored,) = detect_views(net, [flipped], [View(96, mirrored=True)], max_instances=5)
    assert len(plain) == 5
    width = picture.shape[1]
    np.testing.assert_allclose(mirrored.boxes_xyxy[:, 0], width - plain.boxes_xyxy[:, 2], atol=1e-3)
    assert (mirrored.masks != plain.masks[..., ::-1]).mean() < 1e-3


def test_pictures_of_a_batch_do_not_mix(net: RTMDetIns, picture: np.ndarray) -> None:
    views = parse_views("64 96 96m")
    other = np.full((40, 30, 3), 200, np.uint8)
    both = detect_views(net, [picture, other], views)
    alone = [detect_views(net, [p], views)[0] for p in (picture, other)]
    for together, single in zip(both, alone, strict=True):
        np.testing.assert_allclose(together.scores, single.scores, rtol=1e-4)
        np.testing.assert_array_equal(together.masks.shape, single.masks.shape)


def test_nothing_found_is_no_error(net: RTMDetIns, picture: np.ndarray) -> None:
    (none,) = detect_views(net, [picture], parse_views("64 96"), score_threshold=1.0)
    assert len(none) == 0
    assert none.boxes_xyxy.shape == (0, 4)
    assert none.masks.shape == (0, *picture.shape[:2])


boxes = st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(0, 30)] * 2, st.integers(0, 2))


@given(st.lists(boxes, max_size=12))
def test_every_box_joins_at_most_one_group(found: list[tuple[int, int, int, int, int]]) -> None:
    corners = torch.tensor([[x, y, x + w, y + h] for x, y, w, h, _ in found]).reshape(-1, 4).float()
    origin = torch.tensor([o for *_, o in found], dtype=torch.long)
    scores = torch.linspace(0.9, 0.1, len(found))
    groups = _agreeing(corners, scores, origin)
    members = [k for group in groups for k in group.tolist()]
    assert len(members) == len(set(members))
    for group in groups:
        assert len({int(origin[k]) for k in group}) == len(group)
