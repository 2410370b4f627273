#!/usr/bin/env python3
"""Installs groupcomm into an empty folder and builds on it: test_install.py BUILD CMAKE CXX.

Everything is built from a copy of the examples that lies outside of the tree, so that no header and
no library of the tree can help out.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import cluster as groupcomm  # noqa: E402

BUILD, CMAKE, CXX = sys.argv[1:4]
# What a strict user compiles with.
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror"]


def run(*command, **options):
    """Runs a program to its end; a failure shows what it said."""
    done = subprocess.run([str(part) for part in command], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} gave {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="groupcomm-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        first = cls.folder / "first"
        run(CMAKE, "--install", BUILD, "--prefix", first)
        # Nothing may remember where it was put at first.
        cls.prefix = first.rename(cls.folder / "moved")
        shutil.copytree(ROOT / "examples", cls.folder / "examples")

    def files(self, pattern):
        return sorted(self.prefix.rglob(pattern))

    def flags(self):
        """What pkg-config says."""
        folders = os.pathsep.join({str(path.parent) for path in self.files("groupcomm.pc")})
        environment = {**os.environ, "PKG_CONFIG_PATH": folders}
        return run("pkg-config", "--cflags", "--libs", "groupcomm", env=environment).split()

    def talk(self, program):
        """The chat program hears and is heard, over a daemon that was installed, too."""
        cluster = groupcomm.Cluster(self.prefix / "bin", 1, traces=False)
        self.addCleanup(cluster.close)
        cluster.start()
        (a,) = cluster.members("room", ["a"])
        environment = {**os.environ, "GROUPCOMM_SOCKET": str(cluster.daemons["n1"].socket)}
        for library in self.files("libgroupcomm.so"):
            environment["LD_LIBRARY_PATH"] = str(library.parent)
        done = subprocess.run([str(program), "bertha", "room"], input="hello\n", text=True,
                              capture_output=True, timeout=20, check=False, env=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("* now here: a bertha", done.stdout)
        self.assertEqual(a.wait_for("message")["data"], "hello")

    def test_the_examples_build_with_find_package_and_talk(self):
        build = self.folder / "build"
        run(CMAKE, "-G", "Ninja", "-S", self.folder / "examples", "-B", build,
            f"-DCMAKE_CXX_COMPILER={CXX}", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run(CMAKE, "--build", build)
        self.talk(build / "chat")

    def test_pkg_config_says_all_that_a_compiler_needs(self):
        program = self.folder / "chat"
        run(CXX, "-std=c++20", self.folder / "examples/chat/chat.cc", *self.flags(), "-o", program)
        self.talk(program)

    def test_each_header_compiles_by_itself_without_a_warning(self):
        include = self.prefix / "include"
        headers = [path.relative_to(include).as_posix() for path in self.files("*.h")]
        self.assertIn("groupcomm/client.h", headers)
        for header in headers:
            source = self.folder / "header.cc"
            source.write_text(f"#include <{header}>\n#include <{header}>\n", encoding="utf-8")
            run(CXX, "-std=c++20", "-fsyntax-only", *WARNINGS, f"-I{include}", source)

    def test_the_programs_say_which_version_they_are(self):
        (version,) = [line.split()[1] for path in self.files("groupcomm.pc")
                      for line in path.read_text().splitlines() if line.startswith("Version:")]
        for program in ("groupcommd", "groupcommctl"):
            said = run(self.prefix / "bin" / program, "--version")
            self.assertEqual(said.split(), [program, version])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
