"""Signals from text: what is asked, what it is about, how hard it is, whether somebody attacks with it. Rules, in about a millisecond.

`classify(ask) -> Classified` is the one way in; a trained classifier takes its place by having the same shape (`classified.Classifier`). No
module here reads more of a request than `said.py` hands out, and none raises for what a text holds.
"""

from localrouter.classify.classified import Classified as Classified
from localrouter.classify.classified import Classifier as Classifier
from localrouter.classify.rules import classify as classify
