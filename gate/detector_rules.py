"""What personal data and secrets look like in a text: ID numbers, documents, telephones, names, vectors, keys."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from datetime import date
from enum import StrEnum

from models.ids import number_is_valid
from models.mrz import check_digit


class Kind(StrEnum):
    """What was found."""

    NUMBER = "id-number"
    DOCUMENT = "document-number"
    MRZ = "mrz"
    PHONE = "phone"
    NAME = "name"
    PICTURE = "picture"
    VECTOR = "vector"
    SECRET = "secret"  # noqa: S105 - the name of a kind
    KNOWN = "known"


_HAN = r"[\u4e00-\u9fff]"
_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏苏潘葛范彭郎鲁韦马苗方俞任袁柳唐"
    "罗薛雷贺倪汤殷毕郝邬安常于傅皮卞齐康伍余顾孟黄穆萧尹姚邵汪毛戴宋庞熊纪舒项祝董梁杜阮蓝席季贾江童颜郭梅盛林"
    "钟徐邱骆高夏蔡田樊胡凌霍虞万柯卢莫房裘缪丁洪左石崔吉龚程邢陆荣翁段侯武刘龙叶黎白蒲邓牛温庄晏柴阎连习艾向古"
    "易廖耿曾沙游池乔谭申冉桑桂尚涂饶欧路闻关辛覃聂付肖代赖"
)
_FIELD = (
    r"(?:(?<![A-Za-z])(?i:full_?name|family_?name|given_?names?|surname|name|holder|visitor|guest|person)"
    r"|姓名|名字|持证人|联系人|访客)"
)
_JOIN = r"[\"']?\s{0,3}[:=：＝]?\s{0,3}[\"'「“]?"

_DIGITS = re.compile(r"(?<!\d)\d(?:[ \-]?\d){16}[ \-]?[\dXx](?![\dXx])|\d{19,}[Xx]?|\d{18}[Xx]")
_OLD = re.compile(r"(?<!\d)(?<!\d\.)(\d{6})[ \-]?(\d{6})[ \-]?\d{3}(?!\d|\.\d)")
_PLACE = re.compile(r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12])(?!00)\d\d(?!00)\d\d")  # GB/T 2260
_HASH = re.compile(r"[0-9A-Fa-f]+")
_PHONE = re.compile(
    r"(?<![\d.\-])(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)"
    r"|(?<![\d.\-])0\d{2,3}[ -]\d{7,8}(?![\d.])"
    r"|(?<![\d.])\+\d{1,3}(?:[ -]?\d){7,12}(?!\d)"
)
_MRZ_NAME = re.compile(r"(?<![A-Z0-9<])[PVIAC][A-Z<][A-Z<]{3}[A-Z]+(?:<[A-Z]+)*<<[A-Z<]{5,}")
_MRZ_CARD = re.compile(r"(?<![A-Z0-9<])[IAC][A-Z<][A-Z<]{3}([A-Z0-9<]{9})(\d)[A-Z0-9<]{15}(?![A-Z0-9<])")
_MRZ_KEY = re.compile(r"(?=([A-Z0-9<]{9})(\d)(\d{6})(\d)(\d{6})(\d))")
_NAMED = re.compile(rf"{_FIELD}{_JOIN}({_HAN}(?:·?{_HAN}){{1,7}})")
_LATIN = re.compile(
    r"(?<![A-Za-z])(?i:full_?name|family_?name|given_?names?|surname|holder|visitor)[\"']?\s*[:=]\s*[\"']?"
    r"([A-Z][A-Za-z'-]+(?:[ ,]+[A-Z][A-Za-z'-]*)*)"
)
_ALONE = re.compile(rf"(?<!{_HAN})[{_SURNAMES}]{_HAN}{{1,2}}(?!{_HAN}|[*＊])")
_ALONE_UNSURE = re.compile(rf"(?:(?<=[\x00-\x7f])|^)[{_SURNAMES}]{_HAN}{{1,2}}(?=[\x00-\x7f])")
_WRITTEN = re.compile(rf"{_FIELD}{_JOIN}([0-9A-Za-z+/=]{{8,44}})(?![0-9A-Za-z+/=])")
_PAPER = re.compile(
    r"(?:(?i:passport|document|card|permit|id|phone|mobile)_?(?i:number|no)?|(?<![a-z_])(?i:number)|证件号码?|护照号?|号码)"
    r"[\"']?\s{0,3}[:=：＝]\s{0,3}[\"']?([A-Z]{1,2}\d{7,9})(?![A-Za-z0-9])"
)
_NUMBER = r"-?\d*\.\d+(?:[eE][-+]?\d+)?"
_LIST = re.compile(rf"(?:{_NUMBER}[,;\s]\s{{0,8}}){{63,}}{_NUMBER}")
_SECRETS = (
    re.compile(r"-----BEGIN [A-Z0-9 ]+-----(?:.*?-----END [A-Z0-9 ]+-----|.*)", re.DOTALL),
    re.compile(r"menshen://[^\s\"']+"),
    re.compile(r"AGE-SECRET-KEY-[A-Z0-9]+|\bey[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    re.compile(r"(?<=//)[^/\s:@\"']+:[^/\s@\"']+(?=@)"),
    re.compile(
        r"(?i:pass(?:word|phrase|wd)|secret|token|(?:api|private|signing|device|seal|master|release)[_-]?key|authorization"
        r"|(?<![a-z])pin)[\"']?\s*[:=]\s*[\"']?(?:(?i:bearer|basic) )?(?!(?i:bearer|basic) )([^\s\"',;{}\[\]/.\\]{4,})"
    ),
)
_NOT_SECRET = re.compile(r"(?i:true|false|none|null|missing|wrong|present|absent|\(?not|\[.*)")


def found_in(text: str, sure: bool) -> Iterator[tuple[Kind, int, int]]:
    """What is in `text`, with its first character and the one behind its last. `sure`: see `View`."""
    for rule in (_numbers, _old_numbers, _phones, _zones, _papers, _vectors, _secrets):
        yield from rule(text)
    yield from _names(text, sure)


def _numbers(text: str) -> Iterator[tuple[Kind, int, int]]:
    """18 digits whose check digit is right (GB 11643); within more digits, where they also hold a day of birth."""
    for found in _DIGITS.finditer(text):
        plain = re.sub(r"[ \-]", "", found[0]).upper()
        if len(plain) == 18:
            if number_is_valid(plain):
                yield Kind.NUMBER, *found.span()
            continue
        for at in range(len(plain) - 17):
            if number_is_valid(plain[at : at + 18]) and _has_birth(plain[at + 6 : at + 14]):
                yield Kind.NUMBER, found.start() + at, found.start() + at + 18


def _has_birth(day: str) -> bool:
    return day[:2] in ("19", "20") and "01" <= day[4:6] <= "12" and "01" <= day[6:] <= "31"


def _old_numbers(text: str) -> Iterator[tuple[Kind, int, int]]:
    """15 digits, as ID cards had until 1999 (GB 11643-1989): place, day of birth without its century, serial number.

    They have no check digit. Of random digits one in a hundred looks like one; digits of a hash or a fraction never do.
    """
    for found in _OLD.finditer(text):
        if _PLACE.fullmatch(found[1]) and _is_day(found[2]) and not _is_of_a_hash(text, *found.span()):
            yield Kind.NUMBER, *found.span()


def _is_day(day: str) -> bool:
    """Whether YYMMDD is a day of 1910 to 1999: who was older then is no visitor now."""
    try:
        return date(1900 + int(day[:2]), int(day[2:4]), int(day[4:])).year >= 1910
    except ValueError:
        return False


def _is_of_a_hash(text: str, start: int, end: int) -> bool:
    """Whether letters beside it go on as hexadecimal digits do: `card` and `ID` are none, `3fa` is."""
    before = re.search(r"[0-9A-Za-z]*$", text[max(start - 64, 0) : start])
    after = re.match(r"[0-9A-Za-z]*", text[end : end + 64])
    beside = (before[0] if before else "") + (after[0] if after else "")
    return bool(_HASH.fullmatch(beside))


def _phones(text: str) -> Iterator[tuple[Kind, int, int]]:
    for found in _PHONE.finditer(text):
        yield Kind.PHONE, *found.span()


def _zones(text: str) -> Iterator[tuple[Kind, int, int]]:
    """Machine readable zones, and the part of one that opens its chip (ICAO 9303-3, -11)."""
    for found in _MRZ_NAME.finditer(text):
        if len(found[0]) >= 25:
            yield Kind.MRZ, *found.span()
    for found in _MRZ_CARD.finditer(text):
        if check_digit(found[1]) == found[2]:
            yield Kind.MRZ, *found.span()
    for found in re.finditer(r"(?=(\d{6})(\d)[MFX<](\d{6})(\d))", text):
        dates = _birth6(found[1]) and _birth6(found[3])
        if dates and check_digit(found[1]) == found[2] and check_digit(found[3]) == found[4]:
            yield Kind.MRZ, *_around(text, found.start(), found.start() + 15)
    for found in _MRZ_KEY.finditer(text):
        if all(check_digit(found[group]) == found[group + 1] for group in (1, 3, 5)) and _birth6(found[3]):
            yield Kind.MRZ, found.start(), found.start() + 24


def _birth6(day: str) -> bool:
    return "01" <= day[2:4] <= "12" and "01" <= day[4:6] <= "31"


def _around(text: str, start: int, end: int) -> tuple[int, int]:
    """The whole run of a zone's characters, 90 on either side at most."""
    before = re.search(r"[A-Z0-9<]*$", text[max(start - 90, 0) : start])
    after = re.match(r"[A-Z0-9<]*", text[end : end + 90])
    return start - len(before[0] if before else ""), end + len(after[0] if after else "")


def _papers(text: str) -> Iterator[tuple[Kind, int, int]]:
    for found in _PAPER.finditer(text):
        yield Kind.DOCUMENT, *found.span(1)


def _names(text: str, sure: bool) -> Iterator[tuple[Kind, int, int]]:
    """Beside a field that holds names; and Chinese ones that stand alone and begin with a usual surname."""
    for rule, group in ((_NAMED, 1), (_LATIN, 1), (_ALONE if sure else _ALONE_UNSURE, 0)):
        for found in rule.finditer(text):
            yield Kind.NAME, *found.span(group)
    for found in _WRITTEN.finditer(text):
        if any(_is_name(reading) for reading in _readings(found[1])):
            yield Kind.NAME, *found.span(1)


def _readings(value: str) -> Iterator[str]:
    """What a short value beside a name's field may say, written in hexadecimal digits or base64."""
    decoders: tuple[Callable[[str], bytes], ...] = (bytes.fromhex, lambda text: base64.b64decode(text, validate=True))
    for decode in decoders:
        for encoding in ("utf-8", "gb18030", "utf-16-le", "utf-16-be"):
            try:
                yield decode(value).decode(encoding)
            except ValueError:
                continue


def _is_name(text: str) -> bool:
    return bool(re.fullmatch(rf"[{_SURNAMES}]{_HAN}{{1,3}}", text))


def _vectors(text: str) -> Iterator[tuple[Kind, int, int]]:
    """64 decimals in a row and more: a face's features, or half of them."""
    for found in _LIST.finditer(text):
        yield Kind.VECTOR, *found.span()


def _secrets(text: str) -> Iterator[tuple[Kind, int, int]]:
    for rule in _SECRETS:
        for found in rule.finditer(text):
            group = 1 if rule.groups else 0
            if not _NOT_SECRET.fullmatch(found[group]):
                yield Kind.SECRET, *found.span(group)
