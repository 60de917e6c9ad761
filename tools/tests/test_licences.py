"""The licences of THIRD_PARTY.md are those that the packages on this machine state themselves."""
import email.parser
import re
import unittest
from pathlib import Path

from dev import apt
from dev.cache import Cache

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| ([^|]+?) \| ([^|]+?) \| ([^|]+?) \| ", re.M)
# What a Debian copyright file says where our list says the SPDX name.
IN_DEBIAN = {
    "AGPL-3.0-or-later": "AGPL-3", "Apache-2.0": "Apache", "Apache-2.0 WITH LLVM-exception": "APACHE-2-LLVM-EXCEPTIONS",
    "Artistic-2.0": "Artistic", "BSD-2-Clause": "BSD-2", "BSD-3-Clause": "BSD", "GPL-2.0-only": "GPL-2", "GPL-2.0-or-later": r"GPL-2\+",
    "GPL-3.0-or-later": "GPL-3|version 3",
    "GPL-3.0-or-later WITH GCC-exception-3.1": "GCC RUNTIME LIBRARY EXCEPTION", "ISC": "ISC", "LGPL-2.1-or-later": "Lesser General Public",
    "MIT": "Expat|X11|MIT|Permission is hereby granted, free of charge", "MPL-2.0": "MPL-2.0|Mozilla Public License",
    "PSF-2.0": "PYTHON SOFTWARE FOUNDATION LICENSE", "blessing (public domain)": "public.domain", "curl": "curl",
}


def rows():
    return {name: licence for name, _, licence in ROW.findall((ROOT / "THIRD_PARTY.md").read_text()) if name != "name"}


def key(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def python_licences():
    """`{package: what its metadata says}` of every private environment."""
    found = {}
    for file in Cache().root.glob("venvs/clients-*/lib/python3*/site-packages/*.dist-info/METADATA"):
        said = email.parser.HeaderParser().parsestr(file.read_text(errors="replace"))
        # Older metadata say it in words.
        found[key(said["Name"])] = said["License-Expression"] or {"MIT License": "MIT"}.get(said["License"], said["License"])
    return found


class Licences(unittest.TestCase):
    def test_python_packages_say_the_same(self):
        said, listed = python_licences(), {key(name): licence for name, licence in rows().items()}
        both = sorted(set(said) & set(listed))
        if not both:
            self.skipTest("no environment of test clients on this machine: `make setup` makes it")
        for name in both:
            with self.subTest(name):
                self.assertEqual(listed[name], said[name])

    def test_debian_packages_say_the_same(self):
        listed, looked = rows(), 0
        for package in apt.load():
            file = Path("/usr/share/doc", package["name"], "copyright")
            if package["name"] not in listed or not file.exists():
                continue
            with self.subTest(package["name"]):
                said = re.search(IN_DEBIAN[listed[package["name"]]], file.read_text(errors="replace"), re.I)
                self.assertIsNotNone(said, f"{file} says nothing of {listed[package['name']]}")
                looked += 1
        if not looked:
            self.skipTest("no Debian package of the list on this machine")


if __name__ == "__main__":
    unittest.main()
