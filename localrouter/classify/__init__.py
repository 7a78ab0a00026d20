"""Signals from text. First the cheap ones: what the surface and a few words say, in well under a millisecond."""
