#!/usr/bin/env python3
"""Writes the vectors of the wire format beside this file.

Nothing here shares code with the programs that the vectors test: MessagePack is written with struct, CRC-8 bit
by bit, HKDF with hmac, AES-CCM with the `cryptography` package (OpenSSL). Hostile bytes are spelled out.
Python 3.10 or newer; `pip install cryptography`; run: python3 make.py
"""

import copy
import hashlib
import hmac
import json
import math
import pathlib
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

HERE = pathlib.Path(__file__).parent


class Float(float):
    """A number that is written as float 64 although it is whole."""


def pack(value):
    """MessagePack in the shortest form of the format's subset."""
    if value is None:
        return b"\xc0"
    if value is True:
        return b"\xc3"
    if value is False:
        return b"\xc2"
    if isinstance(value, Float) or isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, int):
        if 0 <= value < 128:
            return struct.pack(">B", value)
        if -32 <= value < 0:
            return struct.pack(">b", value)
        if 0 <= value:
            for limit, head, form in ((1 << 8, 0xCC, ">BB"), (1 << 16, 0xCD, ">BH"), (1 << 32, 0xCE, ">BI")):
                if value < limit:
                    return struct.pack(form, head, value)
        else:
            for limit, head, form in ((1 << 7, 0xD0, ">Bb"), (1 << 15, 0xD1, ">Bh"), (1 << 31, 0xD2, ">Bi")):
                if value >= -limit:
                    return struct.pack(form, head, value)
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        raw = value.encode()
        return (bytes([0xA0 | len(raw)]) if len(raw) < 32 else struct.pack(">BB", 0xD9, len(raw))) + raw
    if isinstance(value, bytes):
        head = struct.pack(">BB", 0xC4, len(value)) if len(value) < 256 else struct.pack(">BH", 0xC5, len(value))
        return head + value
    if isinstance(value, list):
        head = bytes([0x90 | len(value)]) if len(value) < 16 else struct.pack(">BH", 0xDC, len(value))
        return head + b"".join(pack(v) for v in value)
    head = bytes([0x80 | len(value)]) if len(value) < 16 else struct.pack(">BH", 0xDE, len(value))
    return head + b"".join(pack(k) + pack(v) for k, v in value.items())


def plain(value):
    """The value as the JSON files spell it."""
    if isinstance(value, bytes):
        return {"$bin": value.hex()}
    if isinstance(value, float):
        if math.isnan(value):
            return {"$float": "NaN"}
        if math.isinf(value):
            return {"$float": "Infinity" if value > 0 else "-Infinity"}
        return int(value) if value == int(value) and abs(value) < 1 << 53 else float(value)
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return value


def write(kind, vectors, **more):
    names = [v["name"] for v in vectors]
    assert len(names) == len(set(names)), "names are unique"
    text = json.dumps({"format": 1, "kind": kind, **more, "vectors": vectors}, indent=1, ensure_ascii=False)
    (HERE / f"{kind}.json").write_text(text + "\n")
    good = sum(1 for v in vectors if "error" not in v)
    print(f"{kind}: {good} good, {len(vectors) - good} hostile")


def good(name, value, canonical=True, raw=None):
    return {"name": name, "hex": (raw if raw is not None else pack(value)).hex(), "value": plain(value), "canonical": canonical}


def bad(name, raw, error):
    return {"name": name, "hex": raw.hex() if isinstance(raw, bytes) else raw, "error": error}


# ---------------------------------------------------------------- MessagePack

write("msgpack", [
    good("zero", 0),
    good("largest positive fixint", 127),
    good("smallest uint 8", 128),
    good("largest uint 8", 255),
    good("smallest uint 16", 256),
    good("largest uint 16", 65535),
    good("smallest uint 32", 65536),
    good("largest uint 32", 4294967295),
    good("whole number above 32 bits is a float 64", 1732345678901),
    good("minus one", -1),
    good("smallest negative fixint", -32),
    good("largest int 8 below it", -33),
    good("smallest int 8", -128),
    good("largest int 16 below it", -129),
    good("smallest int 16", -32768),
    good("largest int 32 below it", -32769),
    good("smallest int 32", -2147483648),
    good("fraction", 0.5),
    good("one tenth, all 64 bits", 0.1),
    good("true", True),
    good("false", False),
    good("nil", None),
    good("empty text", ""),
    good("text of 31 bytes", "abcdefghijklmnopqrstuvwxyz01234"),
    good("text of 32 bytes", "abcdefghijklmnopqrstuvwxyz012345"),
    good("text of 64 bytes, the longest", "0123456789abcdef" * 4),
    good("empty binary", b""),
    good("binary of three bytes", b"\x00\xff\x80"),
    good("binary of 255 bytes", bytes(range(255))),
    good("binary of 256 bytes", bytes(range(256))),
    good("empty array", []),
    good("array of 15", list(range(15))),
    good("array of 16", list(range(16))),
    good("empty map", {}),
    good("map in map", {"a": {"b": 1}, "c": [2, 3]}),
    good("map of 16", {f"k{i}": i for i in range(16)}),
    good("five containers, the deepest", [[[[[1]]]]]),
    good("uint 8 where a fixint would do", 5, False, bytes.fromhex("cc05")),
    good("uint 32 where a fixint would do", 5, False, bytes.fromhex("ce00000005")),
    good("int 8 that is positive", 5, False, bytes.fromhex("d005")),
    good("int 16 that is positive", 300, False, bytes.fromhex("d1012c")),
    good("float 64 that is whole", 5, False, bytes.fromhex("cb4014000000000000")),
    good("float 64 that is not a number", float("nan"), False, bytes.fromhex("cb7ff8000000000000")),
    good("text with str 8 where a fixstr would do", "a", False, bytes.fromhex("d90161")),
    good("binary with bin 16 where bin 8 would do", b"\x01", False, bytes.fromhex("c5000101")),
    good("array 16 where a fixarray would do", [1], False, bytes.fromhex("dc000101")),
    good("map 16 where a fixmap would do", {"a": 1}, False, bytes.fromhex("de0001a16101")),
    bad("nothing at all", "", "short"),
    bad("uint 16 cut after one byte", "cd01", "short"),
    bad("uint 32 cut after three bytes", "ce010203", "short"),
    bad("float 64 cut after seven bytes", "cb00000000000000", "short"),
    bad("text shorter than it says", "a361", "short"),
    bad("str 8 without its length", "d9", "short"),
    bad("binary shorter than it says", "c40501", "short"),
    bad("bin 16 that says 65535 bytes", "c5ffff00", "short"),
    bad("array that ends early", "9301", "short"),
    bad("array 16 that says 65535 entries", "dcffff01", "short"),
    bad("map 16 that says 65535 entries", "deffff", "short"),
    bad("map without its last value", "81a161", "short"),
    bad("array of arrays that each say 15", "9f9f9f", "short"),
    bad("bytes left over", "0100", "trailing"),
    bad("a second message behind the first", "8080", "trailing"),
    bad("six containers", "919191919190", "depth"),
    bad("two hundred containers", "91" * 200 + "01", "depth"),
    bad("maps within maps, six deep", "81a16181a16181a16181a16181a16180", "depth"),
    bad("array 32 that says 4294967295 entries", "ddffffffff", "type"),
    bad("map 32 that says 2147483647 entries", "df7fffffff", "type"),
    bad("bin 32 that says 4 gigabytes", "c6ffffffff", "type"),
    bad("str 32 that says 4 gigabytes", "dbffffffff", "type"),
    bad("str 16", "da000161", "type"),
    bad("the byte that MessagePack never uses", "c1", "type"),
    bad("the unused byte inside an array", "91c1", "type"),
    bad("uint 64", "cf0000000000000001", "type"),
    bad("int 64", "d3ffffffffffffffff", "type"),
    bad("float 32", "ca3f800000", "type"),
    bad("extension of one byte", "d40100", "type"),
    bad("timestamp extension", "d6ff00000000", "type"),
    bad("extension of 255 bytes that are not there", "c7ff01", "type"),
    bad("extension 32 of 4 gigabytes", "c9ffffffff01", "type"),
    bad("number as key", "810101", "key"),
    bad("binary as key", "81c4016101", "key"),
    bad("array as key", "819001", "key"),
    bad("nil as key", "81c001", "key"),
    bad("the same key twice", "82a16101a16102", "key"),
    bad("the same key twice in two forms", "82a16101d9016102", "key"),
    bad("text of 65 bytes", "d941" + "61" * 65, "text"),
    bad("text that is not UTF-8", "a2c328", "text"),
    bad("text with half a surrogate pair", "a3eda080", "text"),
])

# ---------------------------------------------------------------- records

REASONS = ["finished", "skipped", "stopped", "previous", "power-lost", "sleep-timer", "battery", "replaced", "error"]


def crc8(raw, crc=0x5A):
    for byte in raw:
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc


def record(sequence, boot, startMs, song, listVersion, position, heardMs, reason, flags=0, pauses=0, volume=0):
    raw = struct.pack("<IHIHBB", sequence, boot, startMs, song, listVersion, position)
    raw += struct.pack("<I", heardMs)[:3] + bytes([reason | flags << 4, pauses | volume << 4])
    return raw + bytes([crc8(raw)])


def good_record(name, **fields):
    return {"name": name, "hex": record(**fields).hex(), "value": {"flags": 0, "pauses": 0, "volume": 0, **fields}}


first = dict(sequence=1, boot=1, startMs=2000, song=7, listVersion=1, position=0, heardMs=1500, reason=1)
whole = record(**first)
flip = bytearray(whole)
flip[14] ^= 1
write("record", [
    good_record("a song skipped after 1.5 s", **first),
    good_record("a song heard to the end", sequence=2, boot=1, startMs=4000, song=300, listVersion=1, position=1,
                heardMs=203456, reason=0, flags=1, pauses=2, volume=9),
    good_record("every field at its largest", sequence=4294967295, boot=65535, startMs=4294967295, song=65535,
                listVersion=255, position=255, heardMs=16777215, reason=8, flags=15, pauses=15, volume=15),
    good_record("every field at its smallest", sequence=0, boot=0, startMs=0, song=0, listVersion=0, position=0,
                heardMs=0, reason=0),
    good_record("cut off by loss of power", sequence=77, boot=12, startMs=65536, song=256, listVersion=3,
                position=39, heardMs=65536, reason=4, flags=8, pauses=1, volume=4),
    bad("one bit of the time heard flipped", bytes(flip), "unreadable"),
    bad("checksum off by one", whole[:19] + bytes([whole[19] ^ 1]), "unreadable"),
    bad("all zero, as erased memory may be", bytes(20), "unreadable"),
    bad("all ones, as erased flash is", b"\xff" * 20, "unreadable"),
    bad("cut after 19 bytes", whole[:19], "unreadable"),
    bad("end reason 9, which has no meaning, under a right checksum",
        whole[:17] + b"\x09" + whole[18:19] + bytes([crc8(whole[:17] + b"\x09" + whole[18:19])]), "unreadable"),
])

# ---------------------------------------------------------------- requests

health = dict(log=3, cap=400, full=0, audio=0, fails=0, store=0, vol=8)
smallest = dict(v=1, fw="0.1.0", epoch=305419896, boot=1, up=5000, n=1, plays=[], gone=[], list=0, health=health)
second = record(2, 1, 4000, 300, 1, 1, 203456, 0, 1, 2, 9)
full = dict(
    v=1, fw="0.1.0", epoch=4294967295, boot=12, up=3600000, n=7,
    plays=[whole, second],
    gone=[[0, 3, 9, 1], [11, 12, 12, 2]],
    open=[13, 300, 42000], list=3, next=4, part=[5, 1], refused=[2, 4],
    health=dict(log=2, cap=1000, full=6, audio=1, fails=3, store=1, vol=15),
)


def with_(base, **changes):
    out = copy.deepcopy(base)
    for key, value in changes.items():
        if value is Ellipsis:
            del out[key]
        else:
            out[key] = value
    return out


def bad_request(name, error, **changes):
    return bad(name, pack(with_(smallest, **changes)), error)


packed = pack(smallest)
write("request", [
    good("nothing to tell", smallest),
    good("every field", full),
    good("every field of health", with_(smallest, health=dict(
        log=3, cap=1000, full=0, audio=0, fails=0, store=1, vol=8, card=2, bat=87, reset=3, last=360000,
        rtc=1732345678901))),
    good("120 records, the most", with_(smallest, plays=[record(i + 1, 1, i, 7, 1, 0, 900, 1) for i in range(120)])),
    {"name": "a field that version 1 does not know is ignored", "hex": pack(with_(smallest, later=[1, 2])).hex(),
     "value": plain(smallest), "canonical": False},
    {"name": "whole numbers as float 64", "hex": pack(with_(smallest, up=Float(5000), n=Float(1))).hex(),
     "value": plain(smallest), "canonical": False},
    {"name": "the fields in another order", "hex": pack(dict(reversed(smallest.items()))).hex(),
     "value": plain(smallest), "canonical": False},
    bad("cut in the middle", packed[: len(packed) // 2], "short"),
    bad("one byte left over", packed + b"\x00", "trailing"),
    bad("an array instead of the map", pack([1, 2]), "type"),
    bad("a number instead of the map", b"\x01", "type"),
    bad_request("version 2", "version", v=2),
    bad_request("version 0", "version", v=0),
    bad_request("version as text", "type", v="1"),
    bad_request("no version", "field", v=...),
    bad_request("no records field", "field", plays=...),
    bad_request("no health", "field", health=...),
    bad_request("firmware version as number", "type", fw=1),
    bad_request("empty firmware version", "text", fw=""),
    bad_request("a line break in the firmware version", "text", fw="0.1\n0"),
    bad_request("a zero byte in the firmware version", "text", fw="0.1\0"),
    bad_request("negative epoch", "range", epoch=-1),
    bad_request("epoch above 32 bits", "range", epoch=4294967296),
    bad_request("fractional epoch", "range", epoch=1.5),
    bad_request("boot 0", "range", boot=0),
    bad_request("boot above 16 bits", "range", boot=65536),
    bad_request("uptime not a number", "range", up=float("nan")),
    bad_request("infinite uptime", "range", up=float("inf")),
    bad_request("uptime nil", "type", up=None),
    bad_request("counter true", "type", n=True),
    bad_request("records as map", "type", plays={}),
    bad_request("a record as text", "type", plays=["a" * 20]),
    bad_request("a record of 19 bytes", "range", plays=[whole[:19]]),
    bad_request("a record of 21 bytes", "range", plays=[whole + b"\0"]),
    bad_request("121 records", "range", plays=[whole] * 121),
    bad_request("gone without a code", "range", gone=[[0, 1, 2]]),
    bad_request("gone from 0", "range", gone=[[0, 0, 2, 1]]),
    bad_request("gone backwards", "range", gone=[[0, 5, 4, 1]]),
    bad_request("gone with a fraction", "range", gone=[[0, 1, 1.5, 1]]),
    bad_request("gone as flat array", "type", gone=[1, 2, 3, 4]),
    bad_request("33 ranges gone", "range", gone=[[0, i + 1, i + 1, 1] for i in range(33)]),
    bad_request("open with text", "type", open=[1, "7", 0]),
    bad_request("open of song 0", "range", open=[1, 0, 0]),
    bad_request("next 0", "range", next=0),
    bad_request("next nil", "type", next=None),
    bad_request("part without index", "range", part=[1]),
    bad_request("refused with code 0", "range", refused=[1, 0]),
    bad_request("playlist version below 0", "range", list=-1),
    bad_request("health as array", "type", health=[3, 400, 0, 0, 0, 0, 8]),
    bad_request("health without volume", "field", health={k: v for k, v in health.items() if k != "vol"}),
    bad_request("volume 16", "range", health=with_(health, vol=16)),
    bad_request("battery of 101 percent", "range", health=with_(health, bat=101)),
    bad_request("clock as text", "type", health=with_(health, rtc="noon")),
    bad("health twice", bytes([0x80 | 11]) + packed[1:] + pack("health") + pack(health), "key"),
])

# ---------------------------------------------------------------- replies

nothing = dict(v=1, now=1732345678901, ack=[], missing=[])
part = dict(ver=4, k=1, of=2, size=1030, data=bytes(range(6)))


def bad_reply(name, error, **changes):
    return bad(name, pack(with_(nothing, **changes)), error)


packed_reply = pack(nothing)
write("reply", [
    good("nothing to say", nothing),
    good("acknowledgement, holes, playlist part, plan",
         dict(v=1, now=1732345678901, ack=[[12, 77]], missing=[[0, 78, 79], [12, 90, 90]], list=part,
              plan=dict(sync=15, vol=12))),
    good("every field of the plan", dict(nothing, plan=dict(sync=0, vol=15, ctl=7, sleep=1440))),
    good("a part of 1024 bytes, the most", dict(nothing, list=dict(part, k=0, size=1024, of=1, data=bytes(i % 251 for i in range(1024))))),
    {"name": "a field that version 1 does not know is ignored", "hex": pack(with_(nothing, later="x")).hex(),
     "value": plain(nothing), "canonical": False},
    bad("cut in the middle", packed_reply[: len(packed_reply) // 2], "short"),
    bad("one byte left over", packed_reply + b"\xc0", "trailing"),
    bad("an array instead of the map", pack([nothing]), "type"),
    bad_reply("version 2", "version", v=2),
    bad_reply("no acknowledgement field", "field", ack=...),
    bad_reply("acknowledgement as number", "type", ack=7),
    bad_reply("acknowledgement of three numbers", "range", ack=[[1, 2, 3]]),
    bad_reply("acknowledgement of sequence 0", "range", ack=[[1, 0]]),
    bad_reply("acknowledgement below 0", "range", ack=[[1, -5]]),
    bad_reply("acknowledgement above 32 bits", "range", ack=[[1, 4294967296]]),
    bad_reply("acknowledgement with a fraction", "range", ack=[[1, 2.5]]),
    bad_reply("acknowledgement that is not a number", "range", ack=[[1, float("nan")]]),
    bad_reply("33 holes", "range", missing=[[0, i + 1, i + 1] for i in range(33)]),
    bad_reply("time as text", "type", now="1732345678901"),
    bad_reply("a part without bytes", "range", list=dict(part, data=b"")),
    bad_reply("a part of 1025 bytes", "range", list=dict(part, data=bytes(1025))),
    bad_reply("a part whose bytes are text", "type", list=dict(part, data="abc")),
    bad_reply("a part of playlist version 0", "range", list=dict(part, ver=0)),
    bad_reply("a part without its number", "field", list={k: v for k, v in part.items() if k != "k"}),
    bad_reply("volume 16", "range", plan=dict(sync=15, vol=16)),
    bad_reply("plan as array", "type", plan=[15, 12]),
    bad_reply("a control that has no meaning", "range", plan=dict(sync=15, vol=12, ctl=8)),
    bad_reply("a sleep timer of more than a day", "range", plan=dict(sync=15, vol=12, sleep=1441)),
    bad("acknowledgement twice", bytes([0x85]) + packed_reply[1:] + pack("ack") + pack([[1, 9]]), "key"),
])

# ---------------------------------------------------------------- playlists


def playlist(version, items, magic=b"FT", layout=1, count=None, flags=0, checksum=None):
    head = magic + bytes([layout, flags]) + struct.pack("<IHH", version, len(items) if count is None else count, 0)
    body = b"".join(struct.pack("<H", s) + struct.pack("<I", ms)[:3] + bytes([f]) for s, ms, f in items)
    return head + (checksum or hashlib.sha256(head + body).digest()[:4]) + body


def good_list(name, version, items):
    value = {"version": version, "items": [{"song": s, "lengthMs": ms, "flags": f} for s, ms, f in items]}
    return {"name": name, "hex": playlist(version, items).hex(), "value": value}


three = [(7, 168000, 0), (300, 237000, 1), (65535, 16777215, 0)]
right = playlist(3, three)
off = bytearray(right)
off[17] ^= 0x10
write("playlist", [
    good_list("three songs", 3, three),
    good_list("one song, largest version", 4294967295, [(1, 1, 1)]),
    good_list("256 songs, the most", 9, [(i + 1, 180000 + i, i % 2) for i in range(256)]),
    bad("one bit of a song number flipped", bytes(off), "checksum"),
    bad("checksum of zeros", playlist(3, three, checksum=bytes(4)), "checksum"),
    bad("cut after the second song", right[:-6], "format"),
    bad("one byte left over", right + b"\0", "format"),
    bad("nothing at all", "", "format"),
    bad("half a header", right[:8], "format"),
    bad("another magic", playlist(3, three, magic=b"TF"), "format"),
    bad("layout 2", playlist(3, three, layout=2), "format"),
    bad("says 65535 songs", playlist(3, three, count=65535), "format"),
    bad("version 0", playlist(0, three), "range"),
    bad("no songs", playlist(3, []), "range"),
    bad("song 0", playlist(3, [(7, 168000, 0), (0, 1000, 0)]), "range"),
    bad("a song of 0 ms", playlist(3, [(7, 0, 0)]), "range"),
    bad("257 songs", playlist(3, [(i + 1, 1000, 0) for i in range(257)]), "range"),
    bad("2002 bytes", playlist(3, [(i + 1, 1000, 0) for i in range(331)]), "size"),
])

# ---------------------------------------------------------------- seals

KEY = bytes(range(32))
DEVICE = "00112233aabbccdd"
UP_SALT = bytes(range(0x40, 0x50))
DOWN_SALT = bytes(range(0x80, 0x90))


def hkdf(ikm, salt, info, length=32):
    extracted = hmac.new(salt, ikm, hashlib.sha256).digest()
    return hmac.new(extracted, info.encode() + b"\x01", hashlib.sha256).digest()[:length]


def seal(direction, text, key=KEY, device=DEVICE, request_salt=UP_SALT, salt=None):
    salt = salt or (UP_SALT if direction == "up" else DOWN_SALT)
    bound = salt if direction == "up" else request_salt + salt
    message_key = hkdf(key, bound, f"fieldtune/1 {direction} {device}")
    return salt + AESCCM(message_key, tag_length=8).encrypt(bytes(13), text, None)


def sealed(name, direction, text=None, raw=None, error=None, key=KEY, device=DEVICE, request_salt=UP_SALT):
    raw = seal(direction, text, key, device, request_salt) if raw is None else raw
    vector = {"name": name, "direction": direction, "key": key.hex(), "device": device}
    if direction == "down":
        vector["requestSalt"] = request_salt.hex()
    vector["hex"] = raw.hex()
    return vector | ({"error": error} if error else {"plain": text.hex()})


def flipped(raw, at):
    out = bytearray(raw)
    out[at] ^= 1
    return bytes(out)


up = seal("up", packed)
down = seal("down", packed_reply)
write("seal", [
    sealed("request", "up", packed),
    sealed("reply", "down", packed_reply),
    sealed("one byte", "up", b"\x80"),
    sealed("nothing inside", "up", b""),
    sealed("4072 bytes, the most", "up", bytes(i % 256 for i in range(4072))),
    sealed("another device and key", "up", packed, key=b"\xff" * 32, device="ffffffffffffffff"),
    sealed("nothing at all", "up", raw=b"", error="size"),
    sealed("23 bytes, no room for salt and tag", "up", raw=up[:23], error="size"),
    sealed("4097 bytes", "up", raw=up + bytes(4097 - len(up)), error="size"),
    sealed("another device's key", "up", raw=up, key=b"\x01" + KEY[1:], error="seal"),
    sealed("another device's name", "up", raw=up, device="00112233aabbccde", error="seal"),
    sealed("first bit of the salt flipped", "up", raw=flipped(up, 0), error="seal"),
    sealed("first bit of the text flipped", "up", raw=flipped(up, 16), error="seal"),
    sealed("last bit of the tag flipped", "up", raw=flipped(up, len(up) - 1), error="seal"),
    sealed("cut by one byte", "up", raw=up[:-1], error="seal"),
    sealed("one byte more", "up", raw=up + b"\0", error="seal"),
    sealed("zeros", "up", raw=bytes(64), error="seal"),
    sealed("a reply taken for a request", "up", raw=down, error="seal"),
    sealed("a request taken for a reply", "down", raw=up, error="seal"),
    sealed("a reply to another request", "down", raw=down, request_salt=flipped(UP_SALT, 3), error="seal"),
    sealed("last bit of a reply flipped", "down", raw=flipped(down, len(down) - 1), error="seal"),
])

# ---------------------------------------------------------------- exchanges

SONGS = [{"song": 7, "lengthMs": 168000}, {"song": 300, "lengthMs": 237000}]


def step(boot, n, plays=(), gone=(), epoch=9, up=600000, **expect):
    return {"epoch": epoch, "boot": boot, "up": up, "n": n, "plays": [p.hex() for p in plays],
            "gone": [list(g) for g in gone], **expect}


def play(sequence, boot=1, song=7, heardMs=1000, startMs=1000, position=0, reason=1):
    return record(sequence, boot, startMs, song, 1, position, heardMs, reason)


broken = bytearray(play(2))
broken[15] ^= 0x80
write("exchange", [
    {"name": "records in order are acknowledged up to the last", "steps": [
        step(1, 1, [play(1), play(2), play(3)], ack=[[1, 3]], missing=[], stored=3, quarantined=0)]},
    {"name": "a hole holds back the acknowledgement and is named", "steps": [
        step(1, 1, [play(1), play(4)], ack=[[1, 1]], missing=[[1, 2, 3]], stored=2, quarantined=0),
        step(1, 2, [play(2), play(3)], ack=[[1, 4]], missing=[], stored=2, quarantined=0)]},
    {"name": "the same records twice are stored once", "steps": [
        step(1, 1, [play(1), play(2)], ack=[[1, 2]], missing=[], stored=2, quarantined=0),
        step(1, 2, [play(1), play(2), play(3)], ack=[[1, 3]], missing=[], stored=1, quarantined=0)]},
    {"name": "a repeated request is a replay and changes nothing", "steps": [
        step(1, 1, [play(1)], ack=[[1, 1]], missing=[], stored=1, quarantined=0),
        step(1, 1, [play(1), play(2)], error="replay"),
        step(1, 2, [], ack=[[1, 1]], missing=[], stored=0, quarantined=0)]},
    {"name": "a counter that goes back is a replay", "steps": [
        step(1, 5, [play(1)], ack=[[1, 1]], missing=[], stored=1, quarantined=0),
        step(1, 4, [play(2)], error="replay")]},
    {"name": "a boot that goes back is a replay, whatever its counter", "steps": [
        step(2, 1, [play(1, 2)], ack=[[2, 1]], missing=[], stored=1, quarantined=0),
        step(1, 99, [play(2, 1)], error="replay")]},
    {"name": "the counter starts again with the next boot", "steps": [
        step(1, 40, [play(1)], ack=[[1, 1]], missing=[], stored=1, quarantined=0),
        step(2, 1, [play(2, 2)], ack=[[2, 2]], missing=[], stored=1, quarantined=0)]},
    {"name": "a new epoch counts from one again and keeps the old plays", "steps": [
        step(3, 9, [play(1, 3), play(2, 3)], ack=[[3, 2]], missing=[], stored=2, quarantined=0),
        step(1, 1, [play(1)], epoch=10, ack=[[1, 1]], missing=[], stored=1, quarantined=0)]},
    {"name": "what is gone fills a hole", "steps": [
        step(1, 1, [play(1), play(5)], ack=[[1, 1]], missing=[[1, 2, 4]], stored=2, quarantined=0),
        step(1, 2, [], [[0, 2, 4, 1]], ack=[[1, 5]], missing=[], stored=0, quarantined=0)]},
    {"name": "a record with a wrong checksum is not acknowledged and shows as missing", "steps": [
        step(1, 1, [play(1), bytes(broken), play(3)], ack=[[1, 1]], missing=[[1, 2, 2]], stored=2, quarantined=0),
        step(1, 2, [], [[1, 2, 2, 1]], ack=[[1, 3]], missing=[], stored=0, quarantined=0)]},
    {"name": "records before the first one that the board still has are missing until gone", "steps": [
        step(2, 1, [play(11, 2), play(12, 2)], ack=[], missing=[[0, 1, 10]], stored=2, quarantined=0),
        step(2, 2, [], [[0, 1, 10, 3]], ack=[[2, 12]], missing=[], stored=0, quarantined=0)]},
    {"name": "an unknown song is quarantined and acknowledged", "steps": [
        step(1, 1, [play(1, song=8), play(2)], ack=[[1, 2]], missing=[], stored=1, quarantined=1)]},
    {"name": "more heard than the song is long is quarantined", "steps": [
        step(1, 1, [play(1, heardMs=168000), play(2, heardMs=400000)], ack=[[1, 2]], missing=[], stored=1, quarantined=1)]},
    {"name": "a boot beyond the reporting one is quarantined", "steps": [
        step(1, 1, [play(1, boot=2)], ack=[[2, 1]], missing=[], stored=0, quarantined=1)]},
    {"name": "a listen that begins after now is quarantined", "steps": [
        step(1, 1, [play(1, startMs=600001)], ack=[[1, 1]], missing=[], stored=0, quarantined=1)]},
    {"name": "the same sequence with other content: the first stays", "steps": [
        step(1, 1, [play(1)], ack=[[1, 1]], missing=[], stored=1, quarantined=0),
        step(1, 2, [play(1, heardMs=2000)], ack=[[1, 1]], missing=[], stored=0, quarantined=1)]},
], songs=SONGS)
