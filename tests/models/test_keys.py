"""The gate's signing key is made once, stays the same, and is refused once others could have read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.store.errors import UnsafeKey
from models.store.keys import fingerprint, load_or_make_signing_key


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "gate.key"
    made = load_or_make_signing_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_make_signing_key(path).private_bytes_raw() == made.private_bytes_raw()
    assert load_or_make_signing_key(tmp_path / "other.key").private_bytes_raw() != made.private_bytes_raw()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610, 0o666])
def test_a_key_that_others_can_use_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "gate.key"
    load_or_make_signing_key(path)
    path.chmod(mode)
    with pytest.raises(UnsafeKey, match=rf"gate\.key has mode {mode:04o}.*chmod 600"):
        load_or_make_signing_key(path)


@pytest.mark.parametrize("size", [0, 31, 33, 4096])
def test_a_file_that_is_no_key_is_refused_and_kept(tmp_path: Path, size: int) -> None:
    path = tmp_path / "gate.key"
    path.write_bytes(b"k" * size)
    path.chmod(0o600)
    with pytest.raises(UnsafeKey, match=r"gate\.key"):
        load_or_make_signing_key(path)
    assert path.read_bytes() == b"k" * size


def test_a_fingerprint_is_eight_groups_that_people_can_read_out() -> None:
    assert fingerprint(bytes(32)) == "mzuh vlpy mk6x o3ep ygfy 5h4o eaej ofef"
    assert fingerprint(bytes(32)) != fingerprint(bytes(31) + b"\1")
