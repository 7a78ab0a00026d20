"""The top-level domains that exist, from the Public Suffix List snapshot that ships with tldextract (MPL-2.0 data); nothing is fetched."""

from __future__ import annotations

from functools import cache

from localrouter.scrub.common_words import words

PRIVATE = words("internal corp lan local intranet intra home localdomain arpa private example test invalid")
"""Names that no public zone has (RFC 6762 appendix G, RFC 2606, ICANN's .internal): people have addresses under them all the same."""


@cache
def _public() -> frozenset[str]:
    import tldextract

    extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, fallback_to_snapshot=True)
    return frozenset(suffix.rpartition(".")[2] for suffix in extract.tlds)


def known(label: str) -> bool:
    """Whether a last label is a top-level domain, public or private, in Unicode or as `xn--`."""
    label = label.lower()
    if label.startswith("xn--"):
        try:
            label = label.encode("ascii").decode("idna")
        except UnicodeError:
            return True  # well-formed enough for someone's resolver
    return label in PRIVATE or label in _public()
