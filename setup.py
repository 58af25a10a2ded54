"""Menshen as an installable package. Folders are found by name, so that a new driver file needs no line here."""

import runpy

from setuptools import find_packages, setup

setup(
    name="menshen",
    version=runpy.run_path("models/version.py")["VERSION"],
    description="A real-name admission gate: card, ticket, face, turnstile; with or without a network",
    license="GPL-3.0-or-later",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=find_packages(include=["gate*", "drivers*", "ui*", "sync*", "models*"]),
    package_data={
        "gate.check": ["words/*.toml"],
        "models.store": ["schema/*.sql"],
        "ui": ["strings/*", "assets/*"],
        "sync.server": [
            "static/*",
            "strings/*",
            "templates/*",
            "migrations/script.py.mako",
            "migrations/versions/*.py",
        ],
    },
    entry_points={"console_scripts": ["gatectl = gate.cli:main"]},
    install_requires=[
        "asn1crypto>=1.5,<2",
        "click>=8.1,<9",
        "cryptography>=45",  # its Argon2id writes PHC strings
        "dlib-bin>=19.24.6,<21",
        "face_recognition_models>=0.3,<0.4",
        "httpx>=0.28,<1",
        "httpx-sse>=0.4,<1",
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
        "hub": [
            "alembic>=1.16,<2",
            "argon2-cffi>=25,<27",
            "fastapi>=0.115,<1",
            "httptools>=0.6,<1",
            "jinja2>=3.1,<4",
            "openpyxl>=3.1,<4",
            "psycopg[binary]>=3.2,<4",
            "python-multipart>=0.0.20,<1",
            "reportlab>=4,<6",
            "segno>=1.6,<2",
            "sqlalchemy>=2.1,<3",
            "uvicorn>=0.54,<1",  # its ssl_context_factory
            "uvloop>=0.21,<1; sys_platform != 'win32'",
        ],
        "hid": ["hidapi==0.15.*"],  # Debian: python3-hid
        "ncnn": ["ncnn>=1.0.20240820"],
        "onnx": [
            "onnxruntime>=1.20,<1.27"
        ],  # 1.31 keeps a number of its own in the temporary folder, to report to its makers
        "osdp": ["libosdp>=3.2,<4"],
        "pcsc": ["pyscard>=2.2"],  # Debian: python3-pyscard
        "screens": ["PyQt5>=5.15,<6; sys_platform != 'linux' or platform_machine == 'x86_64'"],  # Debian: python3-pyqt5
    },
)
