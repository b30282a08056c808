"""Sequences of arms, made from the description at the head of host/study/allocate.ts with Python's own hmac."""

import hashlib
import hmac
import json
import os


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def words(key, names):
    counter = 0
    while True:
        digest = hmac.new(key, compact(["fieldtune allocation", *names, counter]), hashlib.sha256).digest()
        for at in range(0, 32, 4):
            yield int.from_bytes(digest[at : at + 4], "big")
        counter += 1


def below(n, draw):
    while True:
        word = next(draw)
        if word < 2**32 // n * n:
            return word % n


def scheme(rule):
    arms = [[arm["name"], arm["share"]] for arm in rule["arms"]]
    return hashlib.sha256(compact([rule["method"], arms, rule["blocks"]])).hexdigest()


def blocked(key, rule, stratum, count):
    arms = []
    block = 0
    while len(arms) < count:
        draw = words(key, [scheme(rule), stratum, "block", block])
        multiple = rule["blocks"][below(len(rule["blocks"]), draw)]
        places = [arm["name"] for arm in rule["arms"] for _ in range(arm["share"] * multiple)]
        for i in range(len(places) - 1, 0, -1):
            j = below(i + 1, draw)
            places[i], places[j] = places[j], places[i]
        arms += places
        block += 1
    return arms[:count]


def simple(key, rule, stratum, count):
    total = sum(arm["share"] for arm in rule["arms"])
    arms = []
    for place in range(count):
        draw = words(key, [scheme(rule), stratum, "place", place])
        rest = ((next(draw) >> 5) * 2**26 + (next(draw) >> 6)) / 2**53 * total
        for arm in rule["arms"]:
            rest -= arm["share"]
            if rest < 0:
                break
        arms.append(arm["name"])
    return arms


KEY = bytes(range(32))
TWO_TO_ONE = [{"name": "model", "share": 2}, {"name": "gower", "share": 1}]
THREE = [{"name": "á", "share": 1}, {"name": "b", "share": 1}, {"name": "c", "share": 1}]
UNEVEN = [{"name": "a", "share": 0.5}, {"name": "b", "share": 1.25}]
CASES = [
    ({"method": "blocked", "arms": TWO_TO_ONE, "blocks": [1, 2]}, "[]"),
    ({"method": "blocked", "arms": TWO_TO_ONE, "blocks": [1, 2]}, '[["sex","f"],["site","north"]]'),
    ({"method": "blocked", "arms": THREE, "blocks": [2, 3, 4]}, "[]"),
    ({"method": "simple", "arms": UNEVEN, "blocks": []}, "[]"),
]

cases = [
    {
        "rule": rule,
        "stratum": stratum,
        "scheme": scheme(rule),
        "arms": (blocked if rule["method"] == "blocked" else simple)(KEY, rule, stratum, 40),
    }
    for rule, stratum in CASES
]
with open(os.path.join(os.path.dirname(__file__), "sequences.json"), "w", encoding="utf-8") as file:
    json.dump(
        {"key": KEY.hex(), "commitment": hashlib.sha256(KEY).hexdigest(), "cases": cases}, file, indent=1, ensure_ascii=False
    )
    file.write("\n")
