"""Device URLs, and how they find their driver."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import drivers
import drivers.sensor
from drivers.errors import MissingLibrary, UnknownDevice
from drivers.url import DeviceUrl, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "sam+serial:///dev/gate-reader?baud=115200",
            DeviceUrl("sam", "serial", (), "/dev/gate-reader", {"baud": "115200"}),
        ),
        ("sam+tcp://127.0.0.1:7001", DeviceUrl("sam", "tcp", (), "127.0.0.1:7001")),
        (
            "sam+spy+serial:///dev/x?tape=/tmp/a%20b.tape",
            DeviceUrl("sam", "serial", ("spy",), "/dev/x", {"tape": "/tmp/a b.tape"}),
        ),
        ("pcsc:///ACS%20ACR1252", DeviceUrl("pcsc", "", (), "/ACS ACR1252")),
        ("sim:", DeviceUrl("sim")),
        ("gpio:17?active=low", DeviceUrl("gpio", "", (), "17", {"active": "low"})),
        ("line+serial:///dev/x?prefix=a+b", DeviceUrl("line", "serial", (), "/dev/x", {"prefix": "a+b"})),
    ],
)
def test_the_parts_of_a_url(text: str, expected: DeviceUrl) -> None:
    assert parse(text) == expected


@given(
    st.text(st.characters(exclude_characters="@:", exclude_categories=["Cs"])),
    st.dictionaries(st.sampled_from(["baud", "tape", "channel"]), st.text(st.characters(exclude_categories=["Cs"]))),
)
def test_a_url_written_out_reads_back_the_same(location: str, options: dict[str, str]) -> None:
    url = DeviceUrl("sam", "serial", ("spy",), "/" + location, options)
    assert parse(str(url)) == url


@pytest.mark.parametrize(
    "text", ["", "sam", "/dev/ttyUSB0", "Sam:", "sam++serial:/dev/x", "+serial:/x", "sam serial:/x"]
)
def test_what_is_no_url_is_refused_with_the_form_it_should_have(text: str) -> None:
    with pytest.raises(UnknownDevice, match="expected driver"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    ["camera://admin:hunter2@10.0.0.9/stream", "sam+tcp://h:1?password=hunter2", "sam+tcp://h:1?token=hunter2"],
)
def test_a_secret_in_a_url_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UnknownDevice, match="name a file that holds it") as caught:
        parse(text)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("query", ["baud", "=1", "baud=1&baud=2"])
def test_an_option_must_be_a_pair_and_unique(query: str) -> None:
    with pytest.raises(UnknownDevice):
        parse("sam:x?" + query)


def test_options_come_typed() -> None:
    url = parse("sam:x?baud=9600&again_s=1.5&on=yes&off=0&tape=/tmp/t&way=exit")
    assert url.option("baud", int, 115200) == 9600
    assert url.option("again_s", float, 0.0) == 1.5
    assert url.option("on", bool, False) is True
    assert url.option("off", bool, True) is False
    assert url.option("tape", Path, Path("none")) == Path("/tmp/t")
    assert url.option("missing", int, 7) == 7
    assert url.choice("way", ("entry", "exit"), "entry") == "exit"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("baud=fast", "'fast' does not fit, expected a whole number"),
        ("baud=10", "'10' does not fit, expected 50 to 4000"),
    ],
)
def test_a_bad_value_is_named_with_what_was_expected(query: str, words: str) -> None:
    with pytest.raises(UnknownDevice, match=words):
        parse("sam:x?" + query).option("baud", int, 9600, low=50, high=4000)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_number_must_be_finite(value: str) -> None:
    with pytest.raises(UnknownDevice, match="finite"):
        parse(f"sam:x?t={value}").option("t", float, 1.0)


def test_a_bad_choice_names_the_choices_and_the_nearest() -> None:
    with pytest.raises(UnknownDevice, match=r"entry, exit \(did you mean 'exit'"):
        parse("sam:x?way=exti").choice("way", ("entry", "exit"), "entry")


def test_an_unknown_option_names_the_known_ones_and_the_nearest() -> None:
    with pytest.raises(
        UnknownDevice, match=r"unknown option 'buad' \(did you mean 'baud'\?\); sam knows: baud, poll_ms"
    ):
        parse("sam:x?buad=1").check_options({"baud": "", "poll_ms": ""})


DRIVER = """
OPTIONS = {"channel": "which one"}
TRANSPORTS = ("serial", "tcp")
def open(url):
    return url
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of drivers somewhere else, as a customer may have one."""
    monkeypatch.setattr(drivers.sensor, "__path__", [*drivers.sensor.__path__, str(tmp_path)])
    return tmp_path


def test_a_new_file_is_a_new_driver(folder: Path) -> None:
    (folder / "brandnew.py").write_text(DRIVER)
    assert "brandnew" in drivers.available("sensor")
    text = "brandnew+spy+tcp://h:1?channel=2&tape=/tmp/t&connect_s=1"
    assert str(drivers.connect("sensor", text)) == text


def test_parts_of_drivers_are_not_drivers(folder: Path) -> None:
    (folder / "_frames.py").write_text("")
    assert "_frames" not in drivers.available("sensor")


def test_listing_does_not_import(folder: Path) -> None:
    (folder / "explosive.py").write_text("raise SystemExit")
    assert "explosive" in drivers.available("sensor")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("strict:/dev/x", "needs a transport; it takes: serial, tcp, replay"),
        ("strict+sreial:/dev/x", "does not take 'sreial' .did you mean 'serial'"),
        ("strict+spi+serial:/dev/x", "no wrapper is called 'spi'"),
        ("strict+serial:/dev/x?connect_s=1", "strict knows: baud, channel"),
        ("strikt+serial:/dev/x", "did you mean 'strict'"),
    ],
)
def test_a_url_is_held_against_its_driver(folder: Path, url: str, words: str) -> None:
    (folder / "strict.py").write_text(DRIVER)
    with pytest.raises(UnknownDevice, match=words):
        drivers.connect("sensor", url)


def test_a_driver_without_transports_takes_none(folder: Path) -> None:
    (folder / "plain.py").write_text("def open(url): return url")
    assert str(drivers.connect("sensor", "plain:")) == "plain:"
    with pytest.raises(UnknownDevice, match="it takes: none"):
        drivers.connect("sensor", "plain+serial:/dev/x")


@pytest.mark.parametrize("code", ["import no_such_library", "def open(url):\n    import no_such_library"])
def test_a_missing_library_is_named_with_its_driver(folder: Path, code: str) -> None:
    name = "needy" if "def" in code else "needier"
    (folder / f"{name}.py").write_text(code)
    with pytest.raises(MissingLibrary, match=f"'{name}' needs no_such_library"):
        drivers.connect("sensor", f"{name}:")


def test_a_fault_of_our_own_is_not_called_a_missing_library(folder: Path) -> None:
    (folder / "broken.py").write_text("from drivers.errors import NoSuchName")
    with pytest.raises(ImportError) as caught:
        drivers.connect("sensor", "broken:")
    assert not isinstance(caught.value, MissingLibrary)


def test_an_unknown_kind_names_the_kinds() -> None:
    with pytest.raises(UnknownDevice, match="reader, camera, face, relay, sensor"):
        drivers.available("toaster")  # type: ignore[arg-type]
