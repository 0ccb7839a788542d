"""Animated Drawings as it is: its files, its retargeting with all its quirks, and its frames.

The way of a drawing through this package, and in which space each step is:

1. ``character.read_drawing`` reads a character's folder: a :class:`~.character.Drawing`, with its
   joints in pixels, y down, as in ``char_cfg.yaml``. ``config.read_motion_config`` and
   ``config.read_retarget_config`` read the two other files, ``apps.puppet.motion.bvh.read_bvh`` the
   motion. ``automatic`` makes up what the two files would say of a skeleton that is known.
2. ``retarget.retarget`` gives :class:`~.retarget.ClassicPoses`: joints depth first, y up, the
   longer side of the drawing 1 long (*AD's space*, here and below); ``pins`` are the joints from
   the root, and ``joint_draw_order(frame)`` what is drawn over what. Its steps:
   ``canonical.canonical_motion`` (the actor in every frame, facing +X), ``projection`` (planes,
   orientations in degrees, depths, path of the root), ``rigpose`` (rest, checks, the bent rig).
3. ``mesh.square_mask`` turns a mask to the square ``[x, y up]`` of pixels; ``mesh.drawing_mesh``
   gives its mesh in AD's space (``contours`` finds the outline).
4. ``ownership.classic_owners`` says which joint owns each triangle, ``ownership.far_to_near`` in
   which order those of a joint are drawn.
5. ``apps.puppet.mesh.pins.pins_inside`` pins the joints at rest to the mesh;
   ``apps.puppet.mesh.arap.Arap(mesh, pins).solve(poses.pins[:, inside])`` deforms it, from the
   root; ``poses.root`` has to be added.
6. ``camera.homography`` maps the plane of a character to pixels, y down.
   ``painter.draw_order`` lists the triangles of a frame, ``painter.CharacterPainter`` paints one
   character and ``painter.ClassicStage`` a frame; with ``antialias=False`` they are AD's very
   pixels.

``film.classic_film`` does all of that for a drawing; ``film.ClassicFilm.vertices`` has the meshes.
"""
