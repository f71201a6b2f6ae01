"""Reduces text to the words that carry meaning: no filler, one form per word, one per group of synonyms. Pure."""

from __future__ import annotations

import re

_WORDS = re.compile(r"[a-z][a-z0-9]+")
_ENDINGS = ("ations", "ation", "ings", "ing", "edly", "ed", "ies", "es", "s", "ly")
_SHORTEST_STEM = 3

_FILLER = """
a about after again all also an and any are as at be because been before but by can cannot could did do does down
every for from had has have he her his how i if in into is it its just keep keeps more most my no not now of off on
one only or other our out over own please same she since so some still such than that the their them then there
these they this those to too under until up very was we were what when where which while who why will with would you
your need needs needed
"""
_SYNONYMS = """
disk filesystem partition drive fs space storage
full fill exhaust enospc left saturat ran
kubernetes k8s kube cluster
pod container replica
unhealthy unready notready unavailable failing fail broken sick
slow sluggish latency delay degrad lag behind
machine vm guest virtual
memory ram oom heap mem
cpu processor vcpu core load
interface port link uplink nic
scale capacity undersiz undersized size pool few small starv
hang freeze froze frozen stuck unresponsive hung unreachable dead wedged respond answer deaf
release deploy rollout version upgrade
crash crashloop crashloopbackoff restart
certificate cert tls ssl x509 https
expire expir expiry renew lapse laps outdat
clock time ntp chrony drift skew offset
standby follower replication wal
log journal journald logg
instance server nova
ship shipper shipp forward forwarder
error crc
disable disabl shutdown shut err
flap bounce bounc unstable
guess brute bruteforce
evict eviction
"""

_STOP = frozenset(_FILLER.split())
_SAME = {variant: group.split()[0] for group in _SYNONYMS.strip().splitlines() for variant in group.split()}


def stems(text: str) -> frozenset[str]:
    """The words of a text that carry meaning, in a form that unites their variants."""
    return frozenset(_stem(word) for word in _WORDS.findall(text.lower()) if word not in _STOP)


def _stem(word: str) -> str:
    if word in _SAME:
        return _SAME[word]
    ending = next((e for e in _ENDINGS if word.endswith(e) and len(word) - len(e) >= _SHORTEST_STEM), "")
    short = word.removesuffix(ending)
    return _SAME.get(short, short)
