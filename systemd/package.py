"""Makes the Debian package: the program, every library it needs and its units, to be installed without a network.

`python systemd/package.py --uv build/room/bin/uv --arch arm64` leaves `dist/menshen_VERSION_arm64.deb`. It can be made
for the other architecture, since wheels are only unpacked and never run; nothing has to be compiled.
"""

from __future__ import annotations

import argparse
import compileall
import hashlib
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD, DIST = ROOT / "build" / "package", ROOT / "dist"

PACKAGES = ("gate", "drivers", "ui", "sync", "models")
VERSION_FILE = "models/version.py"
PLATFORMS = {"amd64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}
SOURCE_ALONE = "face-recognition-models"  # it is data: a wheel for every machine
BORROWED = ("smartcard",)  # from Debian's python3-pyscard, where that is installed
BORROWED_ON_ARM = ("PyQt5",)  # PyPI has none

QT_LIBRARIES = "Core|Gui|Widgets|DBus|XcbQpa|Svg|Network|EglFS\\w*|WaylandClient"
NEVER_LOADED = (
    "bin",
    "pip",
    "pip-*",
    "numpy/*/tests",
    "numpy/tests",
    "PyQt5/bindings",
    "PyQt5/Qt5/q[ms]*",
    "PyQt5/Qt5/translations",
    # Trained on pictures that may not be used for money, and nothing of ours loads it.
    "face_recognition_models/models/shape_predictor_68_*",
)

UNITS = ("gate.target", "gate.service", "gate-sync.service", "gate-ui.service", "gate-hub.service")
FILES = {
    **{unit: f"usr/lib/systemd/system/{unit}" for unit in UNITS},
    "menshen.sysusers": "usr/lib/sysusers.d/menshen.conf",
    "menshen.tmpfiles": "usr/lib/tmpfiles.d/menshen.conf",
    "menshen.modprobe": "usr/lib/modprobe.d/menshen.conf",
    "menshen.journald": "usr/lib/systemd/journald.conf.d/menshen.conf",
    "menshen.polkit": "usr/share/polkit-1/rules.d/menshen.rules",
    "70-menshen.rules": "usr/lib/udev/rules.d/70-menshen.rules",
    "72-menshen-names.rules": "usr/lib/udev/rules.d/72-menshen-names.rules",
    "99-menshen-keep-off.rules": "usr/lib/udev/rules.d/99-menshen-keep-off.rules",
    "gate.toml": "usr/share/menshen/gate.toml",
    "gate-lan.conf": "usr/share/menshen/gate-lan.conf",
    "grafana/menshen-lanes.json": "usr/share/menshen/grafana/menshen-lanes.json",
    "usr-bin-gatectl.sh": "usr/bin/gatectl",
    "trial.sh": "usr/lib/menshen/trial",
    "../README.md": "usr/share/doc/menshen/README.md",
    "../LICENSE": "usr/share/doc/menshen/copyright",
}
LIBEXEC = ("put-in-place", "back-off")

# Qt's own libraries for a screen, and a font with Chinese glyphs. A lane without screens does without.
SCREENS = (
    "fonts-wqy-microhei, libgl1, libegl1, libfontconfig1, libdbus-1-3, libglib2.0-0, libxkbcommon-x11-0, libinput10, "
    "libmtdev1, libxcb-icccm4, libxcb-image0, libxcb-keysyms1, libxcb-randr0, libxcb-render-util0, libxcb-shape0, "
    "libxcb-xinerama0, libxcb-xkb1"
)
CONTROL = """\
Package: menshen
Version: {version}
Architecture: {arch}
Maintainer: The Menshen developers <menshen@localhost>
Installed-Size: {kilobytes}
Depends: python3 (>= {python}), python3 (<< {next_python}), systemd (>= 252), udev, util-linux
Recommends: {recommends}
Suggests: pcscd, python3-pyscard, postgresql, alsa-utils
Section: misc
Priority: optional
Description: real-name admission gate
 Reads an ID card, finds the ticket in a sealed manifest, compares the face with
 the holder's, opens the turnstile and keeps a ledger; with or without a network.
 The package holds all Python libraries and needs no network to be installed.
"""


def main() -> None:
    """Build what the command line asks for, and say where it is."""
    ask = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    ask.add_argument("--uv", required=True, help="the uv that unpacks the wheels, in an environment with setuptools")
    ask.add_argument("--arch", choices=PLATFORMS, required=True)
    ask.add_argument("--python", default="3.11", help="the target's Python: 3.11 on Debian 12, 3.13 on Debian 13")
    ask.add_argument("--level", type=int, default=12, help="of zstd's compression; 1 is for a test")
    ask.add_argument("--version", default=program_version())
    ask.add_argument("--out", type=Path, default=DIST, help="the folder for the package")
    told = ask.parse_args()
    stage = BUILD / f"stage-{told.arch}"
    shutil.rmtree(stage, ignore_errors=True)
    site = libraries(told.uv, told.arch, told.python)
    lay_out(stage, site, told.python, told.version)
    package = pack(stage, told.arch, told.python, told.version, told.level, told.out)
    print(f"{os.path.relpath(package)}  {package.stat().st_size / 1e6:.0f} MB")


def program_version() -> str:
    """As the program itself has it."""
    version: str = runpy.run_path(str(ROOT / VERSION_FILE))["VERSION"]
    return version


def libraries(uv: str, arch: str, python: str) -> Path:
    """What `systemd/package.lock` names for this architecture and Python; unpacked once for each lock file."""
    lock = HERE / "package.lock"
    choices = repr((PLATFORMS, SOURCE_ALONE, BORROWED, BORROWED_ON_ARM, QT_LIBRARIES, NEVER_LOADED))
    recipe = hashlib.sha256(lock.read_bytes() + choices.encode()).hexdigest()[:12]
    folder = BUILD / f"site-{arch}-{python}-{recipe}"
    if folder.exists():
        return folder
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    order = [uv, "pip", "install", "-q", "--require-hashes", "--no-deps", "--link-mode", "copy"]
    order += ["--only-binary", ":all:", "--no-binary", SOURCE_ALONE]
    order += ["--no-build-isolation", "--python", str(Path(uv).with_name("python"))]  # its setuptools is of build.lock
    order += ["--python-platform", PLATFORMS[arch], "--python-version", python, "--target", str(fresh), "-r", str(lock)]
    subprocess.run(order, check=True)  # noqa: S603 - our own words
    trim(fresh)
    for name in BORROWED + (BORROWED_ON_ARM if arch == "arm64" else ()):
        (fresh / name).symlink_to(f"/usr/lib/python3/dist-packages/{name}")  # dangling: not there, as an import sees it
    translate(fresh, python)
    return fresh.rename(folder)


def trim(site: Path) -> None:
    """Take away what a gate never loads; a third of the whole."""
    for pattern in NEVER_LOADED:
        for path in site.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    for path in site.glob("PyQt5/Qt5/lib/libQt5*"):
        if not re.match(rf"libQt5({QT_LIBRARIES})\.so", path.name):
            path.unlink()
    for path in site.rglob("__pycache__"):
        shutil.rmtree(path)


def translate(site: Path, python: str) -> None:
    """Write byte code, which the services may not; only its own Python makes what this version can read."""
    if python != f"{sys.version_info.major}.{sys.version_info.minor}":
        return
    # Unchecked: files of a package have the time of its making, whatever that is.
    mode = PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(site, quiet=2, workers=2, stripdir=str(site), invalidation_mode=mode)


def lay_out(stage: Path, site: Path, python: str, version: str) -> None:
    """The package's files under `stage` as they shall lie under /."""
    home = stage / "opt/menshen/packaged" / version
    packages = home / "lib" / f"python{python}" / "site-packages"
    shutil.copytree(site, packages, symlinks=True, copy_function=os.link)
    ours = stage.with_name(f"{stage.name}-ours")
    shutil.rmtree(ours, ignore_errors=True)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, ours / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    told = (ours / VERSION_FILE).read_text(encoding="utf-8")
    (ours / VERSION_FILE).write_text(told.replace(f'"{program_version()}"', f'"{version}"'), encoding="utf-8")
    translate(ours, python)
    for name in PACKAGES:
        shutil.move(ours / name, packages / name)
    (home / "bin").mkdir()
    (home / "bin/python").symlink_to(f"/usr/bin/python{python}")
    (home / "pyvenv.cfg").write_text(f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {python}\n")
    put(HERE / "gatectl.sh", home / "bin/gatectl")
    for name in LIBEXEC:
        put(HERE / f"{name}.sh", home / "libexec" / name)
    for name, path in FILES.items():
        put(HERE / name, stage / path)


def put(source: Path, target: Path) -> None:
    """Copy a file with the mode that its kind has, whatever the umask of the day."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if source.suffix == ".sh" else 0o644)


def pack(stage: Path, arch: str, python: str, version: str, level: int, out: Path) -> Path:
    """Turn `stage` into a package in `out`."""
    major, minor = python.split(".")
    control = stage / "DEBIAN"
    control.mkdir()
    text = CONTROL.format(
        version=version,
        arch=arch,
        kilobytes=sum(sizes(stage)) // 1024,
        python=python,
        next_python=f"{major}.{int(minor) + 1}",
        recommends=SCREENS + (", python3-pyqt5" if arch == "arm64" else ""),
    )
    (control / "control").write_text(text, encoding="utf-8")
    for name in ("postinst", "prerm", "postrm"):
        script = (HERE / "debian" / name).read_text(encoding="utf-8")
        (control / name).write_text(script.replace("@VERSION@", version), encoding="utf-8")
        (control / name).chmod(0o755)
    for path in [stage, *(each for each in stage.rglob("*") if each.is_dir() and not each.is_symlink())]:
        path.chmod(0o755)
    out.mkdir(parents=True, exist_ok=True)
    package = out / f"menshen_{version}_{arch}.deb"
    order = ["dpkg-deb", "--root-owner-group", "-Zzstd", f"-z{level}", "--build", str(stage), str(package)]
    subprocess.run(order, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own words
    return package


def sizes(folder: Path) -> Iterator[int]:
    """Of every file below, in bytes."""
    return (path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


if __name__ == "__main__":
    main()
