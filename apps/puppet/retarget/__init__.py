"""From the motion of an actor to the poses of a puppet, without the quirks of the classic way."""
