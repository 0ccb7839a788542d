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

__all__ = ["Encoded", "encode_pair"]

_NEAR = 20
"""How many tokens before the end of a chunk a comma may be, to end the chunk there."""


@dataclass(frozen=True)
class Encoded:
    """A negative and a positive prompt.

    Attributes:
        embeds: ``(2, L, D)``, L a multiple of 77.
        pooled: SDXL's summaries ``(2, P)``; None for SD 1.5.
    """

    embeds: torch.Tensor
    pooled: torch.Tensor | None


def encode_pair(
    pipeline: Any, prompt: str, negative: str, *, clip_skip: int | None = None
) -> Encoded:
    """Encode a prompt and its negative; the shorter gets empty chunks.

    What fits into one chunk and has no weights gives what the pipeline's own ``encode_prompt``
    gives. A weight multiplies the embedding of its tokens, and then the chunk's mean is restored:
    ``z' = z w mean(z) / mean(z w)``, as the web UIs do for which prompts are written.

    Args:
        pipeline: Of the SD 1.5 or SDXL family.
        prompt: Of any length, in the language of :mod:`cartoonedit.diffusion.emphasis`.
        negative: Likewise.
        clip_skip: Layers left out at the end of the encoder, for both prompts.
    """
    encoders = [
        (tokenizer, encoder)
        for tokenizer, encoder in (
            (pipeline.tokenizer, pipeline.text_encoder),
            (getattr(pipeline, "tokenizer_2", None), getattr(pipeline, "text_encoder_2", None)),
        )
        if encoder is not None
    ]
    sides = (negative, prompt)
    of_sides = [[_chunks(tokenizer, text) for text in sides] for tokenizer, _ in encoders]
    count = max(len(chunks) for each in of_sides for chunks in each)
    embeds, pooled = [], None
    with torch.no_grad():
        for (tokenizer, encoder), each in zip(encoders, of_sides, strict=True):
            padded = [chunk for chunks in each for chunk in _padded(chunks, count)]
            hidden, summary = _run(pipeline, encoder, tokenizer, padded, clip_skip)
            embeds.append(hidden)
            pooled = summary if summary is None else summary[::count]
        joined = torch.cat(embeds, dim=-1)
        weights = [_weights(chunk, joined) for each in of_sides[:1] for chunks in each
                   for chunk in _padded(chunks, count)]  # fmt: skip
        weighted = torch.stack([_weighted(*pair) for pair in zip(joined, weights, strict=True)])
    return Encoded(weighted.reshape(2, -1, joined.shape[-1]), pooled)


Chunk = list[tuple[int, float]]
"""Tokens and their weights, without those that begin and end a chunk."""


def _chunks(tokenizer: Any, prompt: str) -> list[Chunk]:
    """Split a prompt into chunks, at a comma where one is near."""
    size = tokenizer.model_max_length - 2
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
    length = tokenizer.model_max_length
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


def _weights(chunk: Chunk, like: torch.Tensor) -> torch.Tensor:
    """The weight of each of a chunk's 77 tokens."""
    weights = like.new_ones(like.shape[1])
    if chunk:
        weights[1 : 1 + len(chunk)] = like.new_tensor([weight for _, weight in chunk])
    return weights


def _weighted(hidden: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    if bool((weights == 1).all()):
        return hidden
    changed = hidden * weights[:, None]
    before, after = hidden.float().mean(), changed.float().mean()
    # Around zero the ratio of means says nothing.
    ratio = before / after if abs(after) > 1e-3 * abs(before) else after.new_ones(())
    return changed * ratio.clamp(-10, 10).to(changed.dtype)
