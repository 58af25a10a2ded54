"""Menshen as an installable package. Folders are found by name, so that a new driver file needs no line here."""

from setuptools import find_packages, setup

setup(
    name="menshen",
    version="0.1.0",
    description="A real-name admission gate: card, ticket, face, turnstile; with or without a network",
    license="GPL-3.0-or-later",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=find_packages(include=["gate*", "drivers*", "ui*", "sync*", "models*"]),
    package_data={"models.store": ["schema/*.sql"], "ui": ["strings/*", "assets/*"], "sync": ["server/static/*"]},
    entry_points={"console_scripts": ["gatectl = gate.cli:main"]},
    install_requires=[
        "asn1crypto>=1.5,<2",
        "click>=8.1,<9",
        "cryptography>=44",
        "dlib-bin>=19.24.6,<21",
        "face_recognition_models>=0.3,<0.4",
        "msgspec>=0.19,<1",
        "numpy>=2,<3",
        "opencv-python-headless>=4.11,<6",
        "pyserial>=3.5,<4",
        "rich>=13.9,<16",
        "sqlite-utils>=3.38,<5",
        "tzdata",
    ],
    extras_require={
        "gpio": ["gpiod==2.*; sys_platform == 'linux'"],  # Debian: python3-libgpiod
        "hid": ["hidapi==0.15.*"],  # Debian: python3-hid
        "osdp": ["libosdp>=3.2,<4"],
        "pcsc": ["pyscard>=2.2"],  # Debian: python3-pyscard
        "screens": ["PyQt5>=5.15,<6"],  # Debian: python3-pyqt5
    },
)
