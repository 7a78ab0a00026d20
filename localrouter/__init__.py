"""localrouter: a local-first LLM router. Private by construction, exact on money, explainable, fast."""

__version__ = "0.1.0"
