#!/usr/bin/env python3
"""Starting a daemon: what it refuses, in one clear line, and what it does without being told."""

import os
import pathlib
import re
import socket
import subprocess
import tempfile

from system_test_case import BIN, SystemTestCase, groupcomm, main


class Start(SystemTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="groupcomm-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_daemon(self, *arguments, config=None):
        """Runs a groupcommd that is to end at once."""
        command = [BIN / "groupcommd", "--socket", self.folder / "s.sock",
                   "--state-dir", self.folder / "state", *arguments]
        if config is not None:
            path = self.folder / "groupcommd.toml"
            path.write_text(config)
            command += ["--config", path]
        return subprocess.run([str(c) for c in command], capture_output=True, text=True,
                              timeout=20, stdin=subprocess.DEVNULL, check=False)

    def assert_refused(self, done, *texts):
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        for text in texts:
            self.assertIn(text, done.stderr)

    def test_wrong_flags_are_refused(self):
        for arguments, text in [
            (["--fly"], "fly"),
            (["--listen", "nonsense"], "listen"),
            (["--listen", "tcp://127.0.0.1:99999"], "listen"),
            (["--peer", "without-an-address"], "peer"),
            (["--name", "bad name"], "name"),
            (["--log-level", "shouting"], "log-level"),
            (["--config", "/does/not/exist"], "/does/not/exist"),
        ]:
            with self.subTest(arguments=arguments):
                self.assert_refused(self.run_daemon(*arguments), text)

    def test_wrong_values_name_file_line_and_key(self):
        for config, line, key in [
            ('name = "a"\n[membership]\nheartbeat_ms = "soon"\n', 3, "heartbeat_ms"),
            ("[membership]\nheartbeat_ms = -1\n", 2, "heartbeat_ms"),
            ('[membership]\npartition_policy = "hope"\n', 2, "partition_policy"),
            ('[ordering]\ntotal = "dice"\n', 2, "total"),
            ("nmae = 'a'\n", 1, "nmae"),
            ("[limits]\nslow_consumer = 'shout'\n", 2, "slow_consumer"),
            ("[[peer]]\nname = 'b'\n", 1, "address"),
            ("listen = 'udp://127.0.0.1:1'\n", 1, "listen"),
        ]:
            with self.subTest(config=config):
                done = self.run_daemon("--check-config", config=config)
                self.assert_refused(done, key, "groupcommd.toml")
                self.assertRegex(done.stderr, rf"groupcommd\.toml:{line}\b")

    def test_broken_toml_is_refused(self):
        self.assert_refused(self.run_daemon(config="name = \n"), "groupcommd.toml:1")
        self.assert_refused(self.run_daemon(config="[ordering\n"), "groupcommd.toml")

    def test_a_folder_is_no_configuration(self):
        done = self.run_daemon("--config", str(self.folder))
        self.assert_refused(done, str(self.folder), "directory")

    def test_a_good_configuration_is_checked_and_nothing_starts(self):
        port = groupcomm.free_ports(1)[0]
        config = (f'name = "a"\ncluster = "c"\nlisten = "tcp://127.0.0.1:{port}"\n'
                  '[[peer]]\nname = "b"\naddress = "tcp://no.such.host.invalid:4870"\n'
                  '[membership]\npartition_policy = "primary"\nheartbeat_ms = 50\n'
                  'suspect_ms = 500\n[ordering]\ntotal = "lamport"\n'
                  '[limits]\nslow_consumer = "evict"\n')
        done = self.run_daemon("--check-config", config=config)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse((self.folder / "s.sock").exists())
        self.assertFalse((self.folder / "s.sock.stream").exists())

    def test_says_its_version(self):
        done = self.run_daemon("--version")
        self.assertEqual(done.returncode, 0)
        self.assertTrue(re.search(r"\d+\.\d+\.\d+", done.stdout), done.stdout)

    def test_a_port_in_use_is_refused(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            done = self.run_daemon("--name", "a", "--listen", f"tcp://127.0.0.1:{port}")
        self.assert_refused(done, str(port))

    def test_a_second_daemon_on_a_socket_is_refused(self):
        cluster = self.cluster(size=1)
        first = cluster.daemons["n1"]
        port = groupcomm.free_ports(1)[0]
        done = subprocess.run(
            [str(cluster.groupcommd), "--name", "second", "--socket", str(first.socket),
             "--listen", f"tcp://127.0.0.1:{port}"],
            capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL, check=False)
        self.assert_refused(done, str(first.socket))
        self.assert_serves(cluster)
        self.check_traces(cluster)

    def test_a_socket_that_a_killed_daemon_left_behind_is_taken_over(self):
        cluster = self.cluster(size=1)
        cluster.daemons["n1"].kill()
        cluster.traces.clear()  # alone it keeps no record: this is another cluster
        cluster.daemons["n1"].start().wait_ready()
        self.assert_serves(cluster)
        self.check_traces(cluster)

    def test_clients_choose_their_transport(self):
        cluster = self.cluster(size=1)
        socket_path = cluster.daemons["n1"].socket
        for transport in ("zeromq", "stream"):
            self.assertIn("primary", self.status(socket_path, GROUPCOMM_TRANSPORT=transport).stdout)
        refused = self.status(socket_path, GROUPCOMM_TRANSPORT="pigeon")
        self.assertEqual(refused.returncode, 1)
        self.assertIn('GROUPCOMM_TRANSPORT is "pigeon": it may be stream or zeromq', refused.stderr)
        self.check_traces(cluster)

    def test_a_path_too_long_for_a_stream_socket_is_served_over_zeromq(self):
        name = "s" * (105 - len(str(self.folder)) - 1)
        socket_path = self.folder / name
        port = groupcomm.free_ports(1)[0]
        daemon = groupcomm.Process(
            [BIN / "groupcommd", "--socket", socket_path, "--listen", f"tcp://127.0.0.1:{port}",
             "--state-dir", self.folder / "state"], self.folder / "log", stdin=subprocess.DEVNULL)
        self.addCleanup(daemon.kill)
        groupcomm.wait_until(socket_path.exists, "the socket")
        self.assertIn("primary", self.status(socket_path).stdout)
        self.assertFalse((self.folder / (name + ".stream")).exists())
        self.assertIn("clients take ZeroMQ", (self.folder / "log").read_text())

    @staticmethod
    def status(socket_path, **environment):
        return subprocess.run(
            [str(BIN / "groupcommctl"), "--socket", str(socket_path), "status"],
            env=dict(os.environ, **environment), capture_output=True, text=True, timeout=20,
            stdin=subprocess.DEVNULL, check=False)

    def test_one_daemon_alone_needs_no_configuration(self):
        port = groupcomm.free_ports(1)[0]
        environment = {"HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder),
                       "XDG_STATE_HOME": str(self.folder)}
        socket_path = self.folder / "s.sock"
        daemon = groupcomm.Process(
            [BIN / "groupcommd", "--socket", socket_path, "--listen", f"tcp://127.0.0.1:{port}"],
            self.folder / "log", environment, stdin=subprocess.DEVNULL)
        self.addCleanup(daemon.kill)
        groupcomm.wait_until(socket_path.exists, "the socket")
        done = subprocess.run(
            [str(BIN / "groupcommctl"), "chat", "room", "--name", "a"],
            input="hello\n", capture_output=True, text=True, timeout=20, check=False,
            env={**os.environ, "GROUPCOMM_SOCKET": str(socket_path)})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("a: hello", done.stdout)
        self.assertEqual(list(self.folder.glob("**/state*")), [], "alone it needs no record")

    def test_peers_whose_names_do_not_resolve_are_tried_again(self):
        port = groupcomm.free_ports(1)[0]
        daemon = groupcomm.Process(
            [BIN / "groupcommd", "--name", "a", "--socket", self.folder / "s.sock",
             "--state-dir", self.folder / "state", "--listen", f"tcp://127.0.0.1:{port}",
             "--peer", "b=tcp://no.such.host.invalid:4870"],
            self.folder / "log", stdin=subprocess.DEVNULL)
        self.addCleanup(daemon.kill)
        groupcomm.wait_until((self.folder / "s.sock").exists, "the socket")
        done = subprocess.run([str(BIN / "groupcommctl"), "--socket", str(self.folder / "s.sock"),
                               "status", "--json"], capture_output=True, text=True, timeout=20,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(groupcomm.json.loads(done.stdout)["primary"])
        self.assertTrue(daemon.running())


if __name__ == "__main__":
    main()
