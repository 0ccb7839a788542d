"""What style translation costs: both modes against one plain pass, with networks of full size.

    python -m benchmarks.style
    python -m benchmarks.style --size 1024x1024 --side 768 --steps 24 --device cuda

The networks are those of SD 1.5 and its ControlNet with random weights: they paint noise, in the
time that the real ones need. ``apart`` translates each character and the background by themselves
(mode per-instance), ``fused`` all in one pass; the ratio is to ``plain``, the whole picture by one
prompt, which runs just before. Choose --side near the picture's size, as it is when the defaults
meet a picture that suits the model.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import diffusers
import torch

from apps.style import StyleOptions
from apps.style.jobs import Studio
from apps.style.parts import Part, plan_parts, whole_part
from apps.style.translate import Original, translate
from benchmarks.kenburns import synthetic_scene
from cartoonedit.diffusion import use_scheduler
from cartoonedit.diffusion.memory import place
from cartoonedit.diffusion.words import Encoded
from cartoonedit.lineart import draw_lines
from cartoonedit.runtime import cpu_count, pick_device, pick_dtype
from cartoonedit.scene import Scene

DIM = 768  # of the words of SD 1.5


class Wordless(Studio):
    """A studio in which prompts are random numbers of the right shape.

    The text encoder, which is used once for each part, takes no time to speak of.
    """

    def words(self, part: Part) -> Encoded:
        """Words that are no words."""
        generator = torch.Generator().manual_seed(len(part.name))
        return Encoded(torch.randn((2, 77, DIM), generator=generator), None)


def build_pipeline(device: torch.device, dtype: torch.dtype, offload: str) -> Any:
    """SD 1.5 with a ControlNet, as large as the real ones, with random weights."""
    with torch.device(device):
        torch.set_default_dtype(dtype)
        unet = diffusers.UNet2DConditionModel(
            sample_size=64, cross_attention_dim=DIM, attention_head_dim=8
        )
        controlnet = diffusers.ControlNetModel.from_unet(unet)
        vae = diffusers.AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=2,
            latent_channels=4,
            sample_size=512,
            scaling_factor=0.18215,
        )
        torch.set_default_dtype(torch.float32)
    pipeline = diffusers.StableDiffusionControlNetImg2ImgPipeline(
        vae=vae.eval(),
        text_encoder=None,
        tokenizer=None,
        unet=unet.eval(),
        controlnet=controlnet.eval(),
        scheduler=diffusers.DDIMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    use_scheduler(pipeline, "DPM++ 2M Karras")
    place(pipeline, device, offload)
    return pipeline


def timed(work: Callable[[], object], device: torch.device) -> tuple[float, float]:
    """Seconds, and the peak of the device's memory in GiB (0 on the CPU)."""
    if device.type == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    seconds = -time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    seconds += time.perf_counter()
    peak = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else 0.0
    return seconds, peak


def measure(pipeline: Any, scene: Scene, options: StyleOptions, device: torch.device) -> Any:
    """Seconds and peak memory of one translation."""
    lines = draw_lines(scene.picture, "standard")
    _ = scene.plate  # is made once for a scene, whatever is done with it
    parts = [whole_part(scene, options)] if options.global_only else plan_parts(scene, options)
    studio = Wordless(pipeline, options, scene.size_wh)
    original = Original(scene, scene.picture, lines)
    return timed(lambda: translate(studio, original, parts), device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="384x384", help="of the picture (default: %(default)s)")
    parser.add_argument(
        "--side", type=int, help="as of `cartoonedit style`; default: the picture's"
    )
    parser.add_argument(
        "--steps", type=int, default=4, help="of the schedule (default: %(default)s)"
    )
    parser.add_argument("--instances", nargs="+", type=int, default=[1, 3, 5])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--offload", default="none")
    chosen = parser.parse_args()
    width, height = (int(side) for side in chosen.size.split("x"))
    device = pick_device(chosen.device)
    dtype = pick_dtype(device, chosen.dtype)
    side = chosen.side or max(width, height)
    pipeline = build_pipeline(device, dtype, chosen.offload)
    print(
        f"{chosen.size}, side {side}, {chosen.steps} steps, {device} {dtype}, {cpu_count()} cores"
    )

    def run(count: int, **kind: Any) -> tuple[float, float]:
        scene = synthetic_scene(width, height, count)
        options = StyleOptions(
            prompt="a style", steps=chosen.steps, side=side, tagger="none", **kind
        )
        return measure(pipeline, scene, options, device)

    run(1, global_only=True)  # not counted: first use allocates
    print(f"{'mode':>6}  {'instances':>9}  {'seconds':>8}  {'plain':>8}  {'ratio':>6}  {'GiB':>5}")
    for name, mode in (("apart", "per-instance"), ("fused", "fused")):
        for count in chosen.instances:
            plain, _ = run(count, global_only=True)  # anew each time: machines are not even
            seconds, peak = run(count, mode=mode)
            row = f"{name:>6}  {count:9d}  {seconds:8.1f}  {plain:8.1f}  {seconds / plain:6.2f}"
            print(f"{row}  {peak:5.1f}", flush=True)


if __name__ == "__main__":
    main()
