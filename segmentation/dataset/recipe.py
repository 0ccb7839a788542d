"""How scenes are composed: every choice of section 3.2 as a number."""

from __future__ import annotations

from dataclasses import dataclass, fields

from cartoonedit.errors import InvalidInput

__all__ = ["EMBEDDED", "LAYOUT_NAMES", "PAPER", "RECIPES", "Recipe", "parse_shares"]

LAYOUT_NAMES = ("photo", "ground", "row", "huddle", "free", "regular", "partition")


@dataclass(frozen=True)
class Recipe:
    """How scenes are composed; the defaults are the paper's. Most values are probabilities, 0..1.

    Attributes:
        mean_subjects: Mean λ of the Poisson distribution of the number of characters; at least one
            is drawn.
        placing: What decides where characters stand, and how often, as "photo=0.8 huddle=0.2":
            photo (person boxes of a photo), ground (common ground, smaller towards the horizon),
            row (side by side), huddle (each hides some of another), free (anything anywhere),
            regular (evenly spaced, of one size), partition (one in each cell of a divided
            picture). Where there are no photos, ground takes their share.
        empty: A scene without characters.
        same_source: All characters of one source, as the cast of one picture is.
        turn: A character is turned by some degrees.
        recolour: A character's hue, saturation and brightness change.
        recolour_background: Those of the background change.
        plain_background: A flat or shaded colour instead of a background, as paper is.
        clutter: Shapes, words, clouds and trees on the background.
        patches: Pieces of other backgrounds stand about, which are no characters.
        barrier: Such a piece stands before a character.
        match_histogram: All characters take on the colours of the background.
        match_strength: How far they do, 0 to 1.
        shadow: A character casts a shadow.
        rim_light: A character has a bright edge, as from a light behind it.
        tone: The picture is toned and shaded as a whole.
        quantise: The picture is reduced to 12, 16 or 32 colours.
        ink: Black lines are drawn where tones change.
        grey: The picture loses its colours.
        manga: It becomes line art, a dot screen, or both.
        blur: It, or only the background, is blurred.
        grain: Film grain.
        jpeg: JPEG compression.
        jpeg_qualities: Qualities that one is drawn from.
    """

    mean_subjects: float = 2.5
    placing: str = "photo=1"
    empty: float = 0.0
    same_source: float = 0.0
    turn: float = 0.0
    recolour: float = 0.0
    recolour_background: float = 0.0
    plain_background: float = 0.0
    clutter: float = 0.0
    patches: float = 0.0
    barrier: float = 0.0
    match_histogram: float = 0.2
    match_strength: float = 1.0
    shadow: float = 0.0
    rim_light: float = 0.0
    tone: float = 0.0
    quantise: float = 0.25
    ink: float = 0.0
    grey: float = 0.0
    manga: float = 0.0
    blur: float = 0.0
    grain: float = 0.0
    jpeg: float = 1.0
    jpeg_qualities: str = "75 85 95"

    def __post_init__(self) -> None:
        if not 0 < self.mean_subjects <= 20:
            raise InvalidInput(
                f"mean_subjects must be above 0, at most 20; not {self.mean_subjects}"
            )
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "mean_subjects" and field.type == "float" and not 0 <= value <= 1:
                raise InvalidInput(f"{field.name} must be between 0 and 1; got {value}")
        parse_shares(self.placing)
        self.qualities()

    def qualities(self) -> tuple[int, ...]:
        """`jpeg_qualities` as numbers."""
        words = self.jpeg_qualities.replace(",", " ").split()
        if not words or not all(word.isdigit() and 1 <= int(word) <= 100 for word in words):
            raise InvalidInput(
                "jpeg_qualities must be numbers from 1 to 100, such as '75 85 95';"
                f" got {self.jpeg_qualities!r}"
            )
        return tuple(int(word) for word in words)


def parse_shares(placing: str) -> dict[str, float]:
    """Turn ``"photo=3 huddle=1"`` into shares that sum to 1; a bare name counts 1.

    Raises:
        InvalidInput: A name is unknown, or a share is no number above 0.
    """
    shares: dict[str, float] = {}
    for word in placing.replace(",", " ").split():
        name, _, share = word.partition("=")
        try:
            value = float(share or 1)
        except ValueError:
            value = -1.0
        if name not in LAYOUT_NAMES or not 0 < value < 1e6:
            raise InvalidInput(
                "placing must be pairs such as 'photo=0.8 huddle=0.2' of"
                f" {', '.join(LAYOUT_NAMES)}; {word!r} is none"
            )
        shares[name] = shares.get(name, 0.0) + value
    if not shares:
        raise InvalidInput("placing must name at least one of " + ", ".join(LAYOUT_NAMES))
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


PAPER = Recipe()
"""Section 3.2: photo layouts, histogram matching, colour quantisation, JPEG."""

EMBEDDED = Recipe(
    placing="photo=0.25 row=0.1 huddle=0.3 free=0.2 regular=0.05 partition=0.1",
    empty=0.03,
    same_source=0.25,
    turn=0.35,
    recolour=0.4,
    recolour_background=0.25,
    plain_background=0.12,
    clutter=0.4,
    patches=0.35,
    barrier=0.15,
    match_histogram=0.2,
    match_strength=0.4,
    shadow=0.2,
    rim_light=0.1,
    tone=0.3,
    quantise=0.08,
    ink=0.07,
    grey=0.12,
    manga=0.1,
    blur=0.12,
    grain=0.12,
    jpeg=0.5,
    jpeg_qualities="40 55 70 80 90 95",
)
"""What the embedded model is trained on: few sources, so everything about them is varied."""

RECIPES = {"paper": PAPER, "embedded": EMBEDDED}
