"""Prompts of any length, with weights, as the text encoders of a pipeline understand them.

An encoder reads 77 tokens, a beginning and an end among them. Longer prompts are read in chunks,
whose embeddings are put one after the other: cross-attention takes any number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from cartoonedit.diffusion.emphasis import parse
from cartoonedit.errors import InvalidInput

__all__ = ["Encoded", "encode_pair"]

_NEAR = 20
"""How many tokens before the end of a chunk a comma may be, to end the chunk there."""

_LEAST = 0.1
"""Weights below this one count as this much where the level is restored."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """A negative and a positive prompt.

    Attributes:
        embeds: ``(2, L, D)``, L a multiple of 77.
        pooled: SDXL's summaries ``(2, P)``; None for SD 1.5.
    """

    embeds: torch.Tensor
    pooled: torch.Tensor | None

    def arguments(self) -> dict[str, torch.Tensor]:
        """What a pipeline of diffusers is called with in place of the texts."""
        named = {"negative_prompt_embeds": self.embeds[:1], "prompt_embeds": self.embeds[1:]}
        if self.pooled is not None:
            named["negative_pooled_prompt_embeds"] = self.pooled[:1]
            named["pooled_prompt_embeds"] = self.pooled[1:]
        return named


def encode_pair(
    pipeline: Any, prompt: str, negative: str, *, clip_skip: int | None = None
) -> Encoded:
    """Encode a prompt and its negative; the shorter gets empty chunks.

    What fits into one chunk and has no weights gives what the pipeline's own ``encode_prompt``
    gives. A weight multiplies the embedding of its tokens, and then the chunk's mean is restored:
    ``z' = z w mean(z) / mean(z w)``, for each encoder by itself, as the web UIs do for which
    prompts are written.

    Args:
        pipeline: Of the SD 1.5 or SDXL family.
        prompt: Of any length, in the language of :mod:`cartoonedit.diffusion.emphasis`.
        negative: Likewise.
        clip_skip: Layers left out at the end of the encoder, for both prompts.

    Raises:
        InvalidInput: ``clip_skip`` leaves no layer.
    """
    encoders = [
        (tokenizer, encoder)
        for tokenizer, encoder in (
            (pipeline.tokenizer, pipeline.text_encoder),
            (getattr(pipeline, "tokenizer_2", None), getattr(pipeline, "text_encoder_2", None)),
        )
        if encoder is not None
    ]
    _check_clip_skip(clip_skip, [encoder for _, encoder in encoders])
    sides = (negative, prompt)
    of_sides = [
        [_chunks(tokenizer, _length(encoder), text) for text in sides]
        for tokenizer, encoder in encoders
    ]
    count = max(len(chunks) for each in of_sides for chunks in each)
    embeds, pooled = [], None
    with torch.no_grad():
        for (tokenizer, encoder), each in zip(encoders, of_sides, strict=True):
            padded = [chunk for chunks in each for chunk in _padded(chunks, count)]
            hidden, summary = _run(pipeline, encoder, tokenizer, padded, clip_skip)
            weighted = _weighted(hidden, _weights(padded, hidden))
            embeds.append(weighted.reshape(2, -1, hidden.shape[-1]))
            pooled = summary if summary is None else summary[::count]
    return Encoded(torch.cat(embeds, dim=-1), pooled)


def _check_clip_skip(clip_skip: int | None, encoders: Sequence[Any]) -> None:
    layers = min(encoder.config.num_hidden_layers for encoder in encoders)
    if clip_skip is not None and not 0 <= clip_skip < layers:
        raise InvalidInput(
            f"clip_skip must be 0 to {layers - 1} for a text encoder of {layers} layers;"
            f" got {clip_skip}."
        )


Chunk = list[tuple[int, float]]
"""Tokens and their weights, without those that begin and end a chunk."""


def _length(encoder: Any) -> int:
    """How many tokens an encoder reads; not all tokenizers know."""
    return int(encoder.config.max_position_embeddings)


def _chunks(tokenizer: Any, length: int, prompt: str) -> list[Chunk]:
    """Split a prompt into chunks, at a comma where one is near."""
    size = length - 2
    comma = tokenizer(",", add_special_tokens=False)["input_ids"][-1]
    chunks: list[Chunk] = [[]]
    for token, weight in _tokens(tokenizer, prompt):
        if token is None:
            chunks.append([])
            continue
        if len(chunks[-1]) == size:
            chunks.append(_after_comma(chunks[-1], comma))
        chunks[-1].append((token, weight))
    return chunks


def _tokens(tokenizer: Any, prompt: str) -> Iterator[tuple[int | None, float]]:
    """Tokens and their weights; None where a new chunk is wanted."""
    for text, weight in parse(prompt):
        if text is None:
            yield None, 1.0
        else:
            ids = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
            yield from ((token, weight) for token in ids)


def _after_comma(chunk: Chunk, comma: int) -> Chunk:
    """Take what follows a comma near its end out of a full chunk."""
    for back in range(1, min(_NEAR, len(chunk) - 1) + 1):
        if chunk[-back][0] == comma:
            rest = chunk[len(chunk) - back + 1 :]
            del chunk[len(chunk) - back + 1 :]
            return rest
    return []


def _padded(chunks: Sequence[Chunk], count: int) -> list[Chunk]:
    return [*chunks, *[[]] * (count - len(chunks))]


def _run(
    pipeline: Any, encoder: Any, tokenizer: Any, chunks: Sequence[Chunk], clip_skip: int | None
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Hidden states ``(N, 77, D)`` of chunks, and their summaries if the encoder makes any."""
    length = _length(encoder)
    rows = []
    for chunk in chunks:
        ids = [tokenizer.bos_token_id, *(token for token, _ in chunk), tokenizer.eos_token_id]
        rows.append(ids + [tokenizer.pad_token_id] * (length - len(ids)))
    options: dict[str, Any] = {"output_hidden_states": True}
    ids_tensor = torch.tensor(rows, device=pipeline._execution_device)
    if getattr(encoder.config, "use_attention_mask", False):
        used = torch.tensor([[len(chunk) + 2] for chunk in chunks], device=ids_tensor.device)
        options["attention_mask"] = (torch.arange(length, device=used.device) < used).long()
    answer = encoder(ids_tensor, **options)
    if getattr(pipeline, "text_encoder_2", None) is not None:  # SDXL: the last layer but one
        summary = answer[0] if answer[0].ndim == 2 else None
        return answer.hidden_states[-(2 + (clip_skip or 0))], summary
    if not clip_skip:
        return answer[0], None
    body = getattr(encoder, "text_model", encoder)
    return body.final_layer_norm(answer.hidden_states[-(clip_skip + 1)]), None


def _weights(chunks: Sequence[Chunk], like: torch.Tensor) -> torch.Tensor:
    """The weight of each token, ``(N, 77)``; those that begin, end and fill a chunk weigh 1."""
    weights = torch.ones(like.shape[:2])
    for row, chunk in zip(weights, chunks, strict=True):
        row[1 : 1 + len(chunk)] = torch.tensor([weight for _, weight in chunk])
    return weights.to(like.device)


def _weighted(hidden: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Weigh the embeddings ``(N, 77, D)`` of one encoder, and restore the mean of each chunk.

    Weights move emphasis around and should leave the level as it is. Were the means of all tokens
    of one sign, the ratio of means would lie between the inverses of the largest and the smallest
    weight. Outside of that, positive and negative values have cancelled each other: the ratio says
    nothing, could even turn embeddings around, and is left out.
    """
    exact = hidden.float()
    changed = exact * weights[..., None]
    ratio = exact.mean((1, 2)) / changed.mean((1, 2))
    least, most = 1 / weights.amax(1), 1 / weights.amin(1).clamp(min=_LEAST)
    sound = (ratio >= least) & (ratio <= most)
    level = torch.where(sound, ratio, torch.ones_like(ratio))
    return (changed * level[:, None, None]).to(hidden.dtype)
