"""The catalogue of weights: what each name stands for, where it is, and under which licence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CATALOGUE", "Weights", "WeightsFile"]


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One file of a set of weights.

    Attributes:
        file: Its name in the repository, or in the package that ships it.
        size_bytes: Its size, where known.
        sha256: Its digest, where known.
    """

    file: str
    size_bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Weights:
    """An entry of the catalogue.

    Attributes:
        name: What users call it.
        repo: Its Hugging Face repository; empty if it ships with cartoonedit.
        files: Its files by role, such as ``detector`` and ``refiner``. A set that is a whole folder
            has the paths inside that folder for roles.
        licence: Of the weights, which may differ from that of the code.
        note: One line on what they are for.
    """

    name: str
    repo: str
    files: Mapping[str, WeightsFile]
    licence: str
    note: str

    @property
    def embedded(self) -> bool:
        """Whether these weights ship with cartoonedit."""
        return not self.repo

    @property
    def size_bytes(self) -> int | None:
        """The size of all files together; None if one of them is not known."""
        sizes = [file.size_bytes for file in self.files.values()]
        return None if None in sizes else sum(size for size in sizes if size)


def _diffusers_files(*weights: str, second_encoder: bool = False) -> dict[str, WeightsFile]:
    """The files of a folder in diffusers' form, by their paths.

    Args:
        weights: Which files of weights; none gives settings and tokenizers only.
        second_encoder: Whether it has the two text encoders of SDXL.
    """
    files = [
        "model_index.json",
        "scheduler/scheduler_config.json",
        "unet/config.json",
        "vae/config.json",
    ]
    for suffix in ("", "_2") if second_encoder else ("",):
        tokenizer = ("vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json")
        files += [f"text_encoder{suffix}/config.json"]
        files += [f"tokenizer{suffix}/{file}" for file in tokenizer]
    return {file: WeightsFile(file) for file in (*files, *weights)}


_HALF_PRECISION = (
    "unet/diffusion_pytorch_model.fp16.safetensors",
    "vae/diffusion_pytorch_model.fp16.safetensors",
    "text_encoder/model.fp16.safetensors",
)

_SDXL_HALF_PRECISION = (*_HALF_PRECISION, "text_encoder_2/model.fp16.safetensors")


def _network_files(weights: str) -> dict[str, WeightsFile]:
    """A single network in diffusers' form."""
    return {file: WeightsFile(file) for file in ("config.json", weights)}


_IMAGE_ENCODER = {  # CLIP ViT-H, which the adapters for both families were trained with
    "image encoder config": WeightsFile("models/image_encoder/config.json"),
    "image encoder": WeightsFile("models/image_encoder/model.safetensors"),
}

_WD_TAGGER = {"model": WeightsFile("model.onnx"), "tags": WeightsFile("selected_tags.csv")}

_TRANSFORMERS = {
    "config": WeightsFile("config.json"),
    "preprocessor": WeightsFile("preprocessor_config.json"),
    "weights": WeightsFile("model.safetensors"),
}
"""What transformers needs of a model; :func:`path` gives the folder of the first file."""


def _clip_files(weights: str) -> dict[str, WeightsFile]:
    """The files of a CLIP in transformers' form."""
    tokenizer = ("tokenizer.json", "vocab.json", "merges.txt")
    settings = ("config.json", "preprocessor_config.json", "tokenizer_config.json")
    return {file: WeightsFile(file) for file in (*settings, *tokenizer, weights)}


_WEIGHTS = (
    Weights(
        name="embedded",
        repo="",
        files={
            "detector": WeightsFile(
                "rtmdet-tiny.safetensors",
                size_bytes=11_314_212,
                sha256="04bda90b096afead9403762faf9e148c3d39e76d5b5820f184b83b6619ce22ae",
            ),
            "refiner": WeightsFile(
                "isnet-slim.safetensors",
                size_bytes=12_514_668,
                sha256="323de7451470f6a0b4968c0eacf7ee23e838052c1bc4532e6998ce9db7aba077",
            ),
        },
        licence="MIT",
        note="small character segmenter, trained by this project; ships with it",
    ),
    Weights(
        name="cartoonseg-l",
        repo="dreMaz/AnimeInstanceSegmentation",
        files={
            "detector": WeightsFile("rtmdetl_e60.ckpt"),
            "refiner": WeightsFile("refine_last.ckpt"),
        },
        licence="MIT",
        note="the paper's character segmenter: RTMDet-Ins L and IS-Net",
    ),
    Weights(
        name="leres",
        repo="lllyasviel/Annotators",
        files={"weights": WeightsFile("res101.pth")},
        licence="not stated",
        note="the paper's depth estimator: LeReS, ResNeXt-101",
    ),
    Weights(
        name="zoe",
        repo="lllyasviel/Annotators",
        files={"weights": WeightsFile("ZoeD_M12_N.pt")},
        licence="MIT",
        note="depth in metres from one picture: ZoeDepth",
    ),
    Weights(
        name="midas",
        repo="lllyasviel/Annotators",
        files={"weights": WeightsFile("dpt_hybrid-midas-501f0c75.pt")},
        licence="MIT",
        note="depth from one picture: MiDaS 3.0, DPT-Hybrid",
    ),
    Weights(
        name="lineart",
        repo="lllyasviel/Annotators",
        files={"weights": WeightsFile("sk_model.pth")},
        licence="MIT",
        note="line art of any picture: Informative Drawings",
    ),
    Weights(
        name="lineart-coarse",
        repo="lllyasviel/Annotators",
        files={"weights": WeightsFile("sk_model2.pth")},
        licence="MIT",
        note="its sibling, which draws fewer and rougher lines",
    ),
    Weights(
        name="lineart-anime",
        repo="lllyasviel/Annotators",
        files={"weights": WeightsFile("netG.pth")},
        licence="MIT",
        note="line art of drawings: Anime2Sketch",
    ),
    Weights(
        name="lineart-anime-denoise",
        repo="lllyasviel/Annotators",
        files={"weights": WeightsFile("erika.pth")},
        licence="MIT",
        note="line art of manga without its screentones: MangaLineExtraction",
    ),
    Weights(
        name="depth-anything-v2-small",
        repo="depth-anything/Depth-Anything-V2-Small-hf",
        files=_TRANSFORMERS,
        licence="Apache-2.0",
        note="depth from one picture",
    ),
    Weights(
        name="depthpro",
        repo="apple/DepthPro-hf",
        files=_TRANSFORMERS,
        licence="Apple AMLR (research only)",
        note="depth in metres from one picture, with sharp edges; large",
    ),
    Weights(
        name="marigold",
        repo="prs-eth/marigold-depth-v1-1",
        files=_diffusers_files(*_HALF_PRECISION),
        licence="CreativeML Open RAIL++-M",
        note="depth painted by latent diffusion: sharp and slow",
    ),
    Weights(
        name="sd15-inpainting",
        repo="stable-diffusion-v1-5/stable-diffusion-inpainting",
        files=_diffusers_files(*_HALF_PRECISION),
        licence="CreativeML OpenRAIL-M",
        note="latent diffusion that fills a hole; the paper's background inpainter",
    ),
    Weights(
        name="sd15-config",
        repo="stable-diffusion-v1-5/stable-diffusion-v1-5",
        files=_diffusers_files(),
        licence="CreativeML OpenRAIL-M",
        note="settings and tokenizer for a single .safetensors file of the SD 1.5 family",
    ),
    Weights(
        name="sdxl-config",
        repo="stabilityai/stable-diffusion-xl-base-1.0",
        files=_diffusers_files(second_encoder=True),
        licence="CreativeML OpenRAIL++-M",
        note="settings and tokenizers for a single .safetensors file of the SDXL family",
    ),
    Weights(
        name="sd15",
        repo="stable-diffusion-v1-5/stable-diffusion-v1-5",
        files=_diffusers_files(*_HALF_PRECISION),
        licence="CreativeML OpenRAIL-M",
        note="latent diffusion that paints pictures anew; the first of its family",
    ),
    Weights(
        name="controlnet-lineart",
        repo="lllyasviel/control_v11p_sd15_lineart",
        files=_network_files("diffusion_pytorch_model.fp16.safetensors"),
        licence="OpenRAIL",
        note="holds the lines of a picture, for SD 1.5; the paper's ControlNet",
    ),
    Weights(
        name="controlnet-lineart-anime",
        repo="lllyasviel/control_v11p_sd15s2_lineart_anime",
        files=_network_files("diffusion_pytorch_model.fp16.safetensors"),
        licence="OpenRAIL",
        note="its sibling for the lines of drawings; suits models of anime",
    ),
    Weights(
        name="sdxl",
        repo="stabilityai/stable-diffusion-xl-base-1.0",
        files=_diffusers_files(*_SDXL_HALF_PRECISION, second_encoder=True),
        licence="CreativeML OpenRAIL++-M",
        note="the larger latent diffusion: finer pictures, four times the work",
    ),
    Weights(
        name="controlnet-union-sdxl",
        repo="xinsir/controlnet-union-sdxl-1.0",
        files=_network_files("diffusion_pytorch_model.safetensors"),
        licence="Apache-2.0",
        note="holds the lines of a picture, for SDXL; knows other kinds of guides, too",
    ),
    Weights(
        name="mistoline",
        repo="TheMistoAI/MistoLine",
        files=_network_files("diffusion_pytorch_model.fp16.safetensors"),
        licence="CreativeML OpenRAIL++-M",
        note="holds lines of any kind, for SDXL",
    ),
    Weights(
        name="ip-adapter-sd15",
        repo="h94/IP-Adapter",
        files={"adapter": WeightsFile("models/ip-adapter_sd15.safetensors"), **_IMAGE_ENCODER},
        licence="Apache-2.0",
        note="lets a reference picture speak beside the words, for SD 1.5",
    ),
    Weights(
        name="ip-adapter-sdxl",
        repo="h94/IP-Adapter",
        files={
            "adapter": WeightsFile("sdxl_models/ip-adapter_sdxl_vit-h.safetensors"),
            **_IMAGE_ENCODER,
        },
        licence="Apache-2.0",
        note="the same for SDXL, with the same image encoder",
    ),
    Weights(
        name="wd-v1-4-swinv2-tagger-v2",
        repo="SmilingWolf/wd-v1-4-swinv2-tagger-v2",
        files=_WD_TAGGER,
        licence="Apache-2.0",
        note="the paper's tagger: words of Danbooru that describe a drawing",
    ),
    Weights(
        name="wd-swinv2-tagger-v3",
        repo="SmilingWolf/wd-swinv2-tagger-v3",
        files=_WD_TAGGER,
        licence="Apache-2.0",
        note="its successor, trained on newer pictures and tags",
    ),
    Weights(
        name="wd-eva02-large-tagger-v3",
        repo="SmilingWolf/wd-eva02-large-tagger-v3",
        files=_WD_TAGGER,
        licence="Apache-2.0",
        note="the most accurate of the family, and the slowest",
    ),
    Weights(
        name="clip-vit-l-14",
        repo="openai/clip-vit-large-patch14",
        files=_clip_files("model.safetensors"),
        licence="MIT",
        note="CLIP, which scores how well a picture fits a text",
    ),
    Weights(
        name="clip-vit-b-32",
        repo="openai/clip-vit-base-patch32",
        files=_clip_files("pytorch_model.bin"),  # it has no .safetensors; only tensors are read
        licence="MIT",
        note="its smaller sibling, five times as quick; scores of the two do not compare",
    ),
    Weights(
        name="dwpose",
        repo="yzd-v/DWPose",
        files={"pose": WeightsFile("dw-ll_ucoco_384.onnx")},
        licence="Apache-2.0",
        note="joints of a character: DWPose, whole body",
    ),
    Weights(
        name="rtmpose-m",
        repo="bukuroo/RTMPose-ONNX",
        files={"pose": WeightsFile("rtmpose-m.onnx")},
        licence="not stated",
        note="joints of a character: RTMPose, small and quick",
    ),
    Weights(
        name="vitpose-b",
        repo="JunkyByte/easy_ViTPose",
        files={"pose": WeightsFile("onnx/coco/vitpose-b-coco.onnx")},
        licence="Apache-2.0",
        note="joints of a character: ViTPose, by maps of heat",
    ),
    Weights(
        name="lama-anime-manga",
        repo="dreMaz/AnimeMangaInpainting",
        files={
            "generator": WeightsFile(
                "lama_large_512px.ckpt",
                sha256="11d30fbb3000fb2eceae318b75d9ced9229d99ae990a7f8b3ac35c8d31f2c935",
            )
        },
        licence="MIT",
        note="LaMa for drawings: fills a hole in one pass, quick enough for a CPU",
    ),
)

CATALOGUE: dict[str, Weights] = {weights.name: weights for weights in _WEIGHTS}
"""All weights that cartoonedit knows, by name."""
