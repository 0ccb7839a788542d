from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from apps.kenburns.camera import Pose
from apps.kenburns.export import export_layers, take_apart
from cartoonedit.images import open_grey, open_rgba
from cartoonedit.scene import Instance, Scene

NASTY = "x'); app.quit(); ('% %41 `${1}` 猫"

# As much of After Effects as the script needs, which writes down what was asked of it.
HARNESS = """
const fs = require("fs"), vm = require("vm");
const [script, folder] = process.argv.slice(2);
const log = {comps: [], alerts: [], viewed: null};
function property() {
    const own = {}, keys = {};
    return {
        property: name => own[name] = own[name] || property(),
        setValue: value => { keys.value = value; },
        setValuesAtTimes: (times, values) => {
            if (times.length !== values.length) throw new Error("keys");
            keys.times = times; keys.values = values;
        },
        keys, own,
    };
}
const addLayer = (comp, fields) => {
    const layer = Object.assign(property(), fields);
    comp.stack.push(layer);
    return layer;
};
const sandbox = {
    $: {fileName: folder + "/import.jsx"},
    File: function (path) {
        const real = decodeURIComponent(path);
        this.parent = {absoluteURI: encodeURI(folder)};
        this.absoluteURI = path; this.real = real; this.exists = fs.existsSync(real);
    },
    ImportOptions: function (file) { this.file = file; },
    AlphaMode: {STRAIGHT: "straight"},
    AutoOrientType: {NO_AUTO_ORIENT: "none"},
    alert: message => log.alerts.push(message),
    encodeURIComponent, decodeURI,
    app: {
        beginUndoGroup() {}, endUndoGroup() {},
        quit() { throw new Error("injected"); },
        project: {
            importFile: options => ({file: options.file.real, mainSource: {}}),
            items: {addComp(name, width, height, aspect, duration, fps) {
                const comp = {name, width, height, aspect, duration, fps, stack: []};
                comp.layers = {
                    add: source => addLayer(comp, {source}),
                    addCamera: (name, centre) => addLayer(comp, {name, centre, camera: true}),
                };
                comp.openInViewer = () => { log.viewed = name; };
                log.comps.push(comp);
                return comp;
            }},
        },
    },
};
vm.runInNewContext(fs.readFileSync(script, "ascii"), sandbox);
console.log(JSON.stringify(log, (key, value) => key === "layers" ? undefined : value));
"""

needs_node = pytest.mark.skipif(
    shutil.which("node") is None, reason="node, which runs the script, is not installed"
)


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("harness") / "harness.js"
    path.write_text(HARNESS, encoding="ascii")
    return path


def run(harness: Path, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        ["node", str(harness), str(folder / "import.jsx"), str(folder)],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    log = json.loads(done.stdout)
    assert log["alerts"] == []
    return log


def keys(layer: dict[str, Any], group: str, name: str) -> list[Any]:
    found = layer["own"][group]["own"][name]["keys"]
    return found.get("values", [found.get("value")])


class TestPictures:
    def test_layers_lie_back_to_front_and_show_the_picture(
        self, scene: Scene, tmp_path: Path
    ) -> None:
        folder = export_layers(scene, tmp_path / "out")
        manifest = json.loads((folder / "layers.json").read_text("utf-8"))
        cards = take_apart(scene).cards
        assert [layer["name"] for layer in manifest["layers"]] == [
            "plate",
            *(card.name for card in cards),
        ]
        canvas = np.zeros(scene.picture.shape)
        for number, layer in enumerate(manifest["layers"]):
            assert layer["file"] == f"layers/{number:02d}_{layer['name']}.png"
            pixels = open_rgba(folder / layer["file"]).astype(float)
            assert pixels.shape[:2] == scene.picture.shape[:2]
            alpha = pixels[..., 3:] / 255
            canvas = alpha * pixels[..., :3] + (1 - alpha) * canvas
            assert layer["distance"] == pytest.approx(1 / layer["disparity"])
        # Without what is left of the picture around the characters, so not to the level.
        assert np.abs(canvas - scene.picture).mean() < 1.5

    def test_depth_has_16_bits(self, make_scene, tmp_path: Path) -> None:
        rows = np.linspace(1, 0, 72, dtype=np.float32)[:, None].repeat(128, axis=1)
        scene = make_scene("standing", depth=rows)
        folder = export_layers(scene, tmp_path / "out")
        (card,) = take_apart(scene).cards
        depth = open_grey(folder / "depth" / "01_character-1.png")
        inside = open_rgba(folder / "layers" / "01_character-1.png")[..., 3] > 0
        assert card.q == pytest.approx(1 - 0.75 * np.unique(depth[inside]).item(), abs=1e-4)
        assert (depth[~inside] == 1).all()
        plate = open_grey(folder / "plate_depth.png")
        np.testing.assert_allclose(plate[:, 0], rows[:, 0], atol=0.02)
        with Image.open(folder / "plate_depth.png") as image:
            assert image.mode.startswith("I;16")

    def test_the_plate_lies_behind_everybody(self, tmp_path: Path) -> None:
        mask = np.zeros((36, 64), np.uint8)
        mask[8:30, 20:40] = 255
        picture = np.zeros((36, 64, 3), np.uint8)
        near = np.full((36, 64), 0.1, np.float32)
        scene = Scene(picture, [Instance(mask, depth=1.0)], plate=picture, depth=near)
        folder = export_layers(scene, tmp_path / "out")
        plate, card = json.loads((folder / "layers.json").read_text("utf-8"))["layers"]
        assert plate["distance"] > card["distance"] == pytest.approx(4)
        assert card["box_xyxy"] == [20, 8, 40, 30]


class TestAgain:
    def test_an_earlier_export_is_replaced_and_other_files_stay(
        self, make_scene, tmp_path: Path
    ) -> None:
        folder = export_layers(make_scene("overlap"), tmp_path / "out")
        (folder / "layers" / "mine.png").write_bytes(b"mine")
        export_layers(make_scene("standing"), folder)
        names = sorted(path.name for path in folder.rglob("*.png"))
        assert names == [
            "00_plate.png",
            "01_character-1.png",
            "01_character-1.png",
            "mine.png",
            "plate_depth.png",
        ]

    def test_a_list_that_names_files_elsewhere_deletes_none(
        self, make_scene, tmp_path: Path
    ) -> None:
        folder = tmp_path / "out"
        (folder / "layers").mkdir(parents=True)
        outside, other = tmp_path / "precious.png", folder / "precious.png"
        outside.write_bytes(b"x")
        other.write_bytes(b"x")
        files = [{"file": "../precious.png", "depth_file": "precious.png"}]
        (folder / "layers.json").write_text(json.dumps({"layers": files}))
        export_layers(make_scene("none"), folder)
        assert outside.exists() and other.exists()


class TestScript:
    @pytest.fixture
    def nasty(self, make_scene) -> Scene:
        scene = make_scene("standing")
        instance = Instance(scene[0].mask, name=NASTY)
        return scene.replace(instances=[instance])

    def test_names_cannot_become_code(self, nasty: Scene, tmp_path: Path) -> None:
        folder = export_layers(nasty, tmp_path / "out")
        text = (folder / "import.jsx").read_bytes().decode("ascii")
        literal = re.search(r"var scene = (.*);\n", text)
        assert literal is not None
        assert json.loads(literal[1])["layers"][1]["name"] == NASTY
        rest = text.replace(literal[1], "")
        assert "quit" not in rest and "__SCENE__" not in rest
        code = re.sub(r'//.*|"[^"\n]*"', "", rest)
        for left, right in ("()", "[]", "{}"):
            assert code.count(left) == code.count(right) > 0

    @needs_node
    def test_names_reach_after_effects_unchanged(
        self, nasty: Scene, tmp_path: Path, harness: Path
    ) -> None:
        folder = export_layers(nasty, tmp_path / "50 %25 of it")
        (comp,) = run(harness, folder)["comps"]
        plate, card, camera = comp["stack"]
        assert (plate["name"], card["name"], camera["name"]) == ("plate", NASTY, "camera")
        assert card["source"]["file"] == str(folder / "layers" / f"01_{NASTY}.png")
        assert card["source"]["mainSource"]["alphaMode"] == "straight"

    @needs_node
    def test_without_a_camera_the_composition_shows_the_picture(
        self, make_scene, tmp_path: Path, harness: Path
    ) -> None:
        log = run(harness, export_layers(make_scene("overlap"), tmp_path / "out", fps=120))
        (comp,) = log["comps"]
        assert (comp["width"], comp["height"], comp["aspect"]) == (128, 72, 1)
        assert (comp["fps"], comp["duration"]) == (99, 4)
        *layers, camera = comp["stack"]
        (zoom,) = keys(camera, "ADBE Camera Options Group", "ADBE Camera Zoom")
        ((x, y, z),) = keys(camera, "ADBE Transform Group", "ADBE Position")
        assert (x, y, z, zoom, camera["autoOrient"]) == (64, 36, -128, 128, "none")
        for layer in layers:
            ((x, y, far),) = keys(layer, "ADBE Transform Group", "ADBE Position")
            ((scale, *_),) = keys(layer, "ADBE Transform Group", "ADBE Scale")
            assert (x, y) == (64, 36) and layer["threeDLayer"]
            assert scale / 100 * zoom / (far - z) == pytest.approx(1)  # neither larger nor smaller

    @needs_node
    @pytest.mark.parametrize("shift", [0.0, 0.05])
    def test_key_frames_project_as_the_camera_says(
        self, make_scene, tmp_path: Path, harness: Path, shift: float
    ) -> None:
        def camera(t: float) -> Pose:
            return Pose(0.1 * t, -0.05 * t, 0.2 * t, 1 + 0.3 * t, shift * t, -shift * t)

        scene = make_scene("overlap")
        folder = export_layers(scene, tmp_path / "out", camera=camera, fps=10, duration=0.4)
        log = run(harness, folder)
        manifest = json.loads((folder / "layers.json").read_text("utf-8"))
        space = log["comps"][0]
        *layers, eye = space["stack"]
        assert [layer["name"] for layer in layers] == [one["name"] for one in manifest["layers"]]
        positions = keys(eye, "ADBE Transform Group", "ADBE Position")
        zooms = keys(eye, "ADBE Camera Options Group", "ADBE Camera Zoom")
        assert len(positions) == len(zooms) == len(manifest["camera"]) == 4
        windows = [[64, 36]] * 4
        if shift:
            (window,) = log["comps"][1]["stack"]
            windows = keys(window, "ADBE Transform Group", "ADBE Position")
            assert log["viewed"] == log["comps"][1]["name"] == "picture"
        centre = np.array([space["width"], space["height"]]) / 2
        corner = np.array([30, -20])  # pixels from the middle of the picture
        for index, key in enumerate(manifest["camera"]):
            pose = camera(index / 3)
            assert key.pop("time") == pytest.approx(index / 10)
            assert Pose(**key) == pose
            for layer, entry in zip(layers, manifest["layers"], strict=True):
                (place,) = keys(layer, "ADBE Transform Group", "ADBE Position")
                ((scale, *_),) = keys(layer, "ADBE Transform Group", "ADBE Scale")
                point = np.array([*(np.array(place[:2]) + corner * scale / 100), place[2]])
                away = point - positions[index]
                seen = zooms[index] * away[:2] / away[2] + centre
                shown = seen - centre + windows[index]
                assert (seen >= 0).all() and (seen <= 2 * centre).all()
                expected = pose.project(*(corner / 128), entry["disparity"])
                np.testing.assert_allclose((shown - [64, 36]) / 128, expected, atol=1e-4)
