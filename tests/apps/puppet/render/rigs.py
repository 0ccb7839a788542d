"""Small rigs made by hand."""

import numpy as np

from apps.puppet.mesh.mesh import Mesh
from apps.puppet.rig import Rig, Sheet
from apps.puppet.skeleton import Skeleton


def grid(left, top, right, bottom, step=4.0):
    """The vertices and triangles of a rectangle."""
    x = np.linspace(left, right, max(2, round((right - left) / step) + 1))
    y = np.linspace(top, bottom, max(2, round((bottom - top) / step) + 1))
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    first = (np.arange(len(y) - 1)[:, None] * len(x) + np.arange(len(x) - 1)).ravel()
    a, b, c, d = first, first + 1, first + len(x), first + len(x) + 1
    return points, np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)]).astype(np.int32)


def texture(width, height, seed=0, alpha=None):
    """Premultiplied noise, opaque if no alpha is given."""
    colour = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint16)
    alpha = np.full((height, width), 255, np.uint8) if alpha is None else alpha
    return np.dstack([(colour * alpha[..., None] + 127) // 255, alpha]).astype(np.uint8)


def soft(width, height):
    """An alpha that falls off to nothing at the edges."""
    across = np.minimum(np.arange(width), np.arange(width)[::-1])
    down = np.minimum(np.arange(height), np.arange(height)[::-1])
    return np.clip(np.minimum(across, down[:, None]) * 80, 0, 255).astype(np.uint8)


def over(picture, above, x, y):
    """Blend a premultiplied texture over a picture, slowly and plainly."""
    result = picture.astype(float)
    height, width = above.shape[:2]
    rest = 1 - above[..., 3:] / 255.0
    area = result[y : y + height, x : x + width]
    area[:] = above[..., :3] + area * rest
    return result


def rig_of(*sheets):
    """A rig of rectangles: ``(texture, (x, y), joints)`` each, with vertices of their own."""
    vertices, made, triangles = [], [], []
    for index, (image, (x, y), joints) in enumerate(sheets):
        points, mine = grid(x, y, x + image.shape[1], y + image.shape[0])
        mine = (mine + sum(map(len, vertices))).astype(np.int32)
        vertices.append(points)
        triangles.append(mine)
        made.append(Sheet(f"sheet-{index}", image, (x, y), mine, joints))
    mesh = Mesh(np.concatenate(vertices), np.concatenate(triangles))
    bones = np.zeros(len(mesh.vertices_xy), np.int32)
    skeleton = Skeleton.build({"root": (10, 10), "hip": (10, 10), "torso": (10, 5)})
    return Rig("by hand", skeleton, mesh, bones, tuple(made))
