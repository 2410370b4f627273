#!/usr/bin/env python3
"""Shows that each rule of the structure test can fail, and that good code passes."""

import unittest

import rules
import source_text


def violations(rule, path, text, **others):
    files = {path: text}
    files.update({name.replace("__", "/"): content for name, content in others.items()})
    return list(rule(rules.Tree(files)))


class Rules(unittest.TestCase):
    def assert_bad(self, rule, path, text):
        self.assertTrue(violations(rule, path, text), f"{rule.__name__} misses {text!r}")

    def assert_good(self, rule, path, text):
        self.assertEqual(violations(rule, path, text), [])

    def test_arrows(self):
        rule = rules.arrows_point_as_drawn
        for path, included in [
            ("ordering/a.cc", "membership/view_change.h"),
            ("ordering/a.cc", "groupcomm/client.h"),
            ("membership/a.cc", "daemon/core/event.h"),
            ("membership/a.cc", "groupcomm/wire/codec.h"),
            ("daemon/core/a.h", "daemon/host/event_loop.h"),
            ("daemon/host/a.cc", "groupcomm/client.h"),
            ("daemon/verify/a.cc", "ordering/view_ordering.h"),
            ("daemon/ctl/a.cc", "groupcomm/wire/codec.h"),
            ("groupcomm/view.h", "groupcomm/client.h"),
            ("groupcomm/protocol/a.h", "groupcomm/wire/codec.h"),
            ("groupcomm/client.cc", "daemon/core/event.h"),
            ("examples/chat/chat.cc", "groupcomm/wire/codec.h"),
            ("groupcomm/wire/codec.cc", "groupcomm/client_core.h"),
            ("membership/a.cc", "tests/simulation/network.h"),
        ]:
            self.assert_bad(rule, path, f'#include "{included}"\n')
        self.assert_good(rule, "ordering/a.cc", '#include "groupcomm/protocol/peer_frames.h"\n')
        self.assert_good(rule, "groupcomm/client.cc", '#include "groupcomm/wire/codec.h"\n')
        self.assert_good(rule, "groupcomm/view.h", '// #include "groupcomm/client.h"\n')

    def test_pure_parts(self):
        rule = rules.pure_parts_stay_pure
        for text in [
            "#include <zmq.hpp>\n",
            "#include <thread>\n",
            "#include <sstream>\n",
            "#include <random>\n",
            "auto t = std::chrono::steady_clock::now();\n",
            "auto t = time(nullptr);\n",
            "std::thread worker;\n",
            "std::mutex lock_;\n",
            "std::random_device device;\n",
            'auto home = std::getenv("HOME");\n',
            "std::cerr << 1;\n",
            'printf("x");\n',
            "spdlog::info(1);\n",
            "capnp::MallocMessageBuilder b;\n",
            "int dice = rand();\n",
        ]:
            self.assert_bad(rule, "membership/a.cc", text)
            self.assert_good(rule, "daemon/host/a.cc", text)
        self.assert_good(rule, "ordering/a.cc", "// No std::mutex and no zmq here.\n")
        self.assert_good(rule, "ordering/a.cc", 'const char* kText = "std::mutex";\n')
        self.assert_good(rule, "ordering/a.cc", "auto t = now.since_origin; option.time(0u);\n")

    def test_unordered_iteration(self):
        rule = rules.no_unordered_iteration
        declaration = "std::unordered_map<int, std::vector<int>> table_;\n"
        self.assert_bad(rule, "ordering/a.cc", declaration + "for (auto& [k, v] : table_) {}\n")
        self.assert_bad(rule, "ordering/a.cc", declaration + "auto i = table_.begin();\n")
        self.assert_bad(rule, "ordering/a.cc",
                        "using Table = std::unordered_set<int>;\nTable table_;\n"
                        "for (int k : table_) {}\n")
        self.assert_good(rule, "ordering/a.cc", declaration + "auto i = table_.find(1);\n")
        self.assert_good(rule, "ordering/a.cc", "std::map<int, int> t;\nfor (auto& x : t) {}\n")
        in_header = rules.Tree({
            "ordering/a.h": declaration,
            "ordering/a.cc": '#include "ordering/a.h"\nfor (auto& x : other.table_) {}\n',
        })
        self.assertEqual(len(list(rule(in_header))), 1)

    def test_libraries(self):
        rule = rules.libraries_stay_in_their_place
        self.assert_bad(rule, "daemon/host/event_loop.cc", "#include <zmq.hpp>\n")
        self.assert_bad(rule, "daemon/host/event_loop.cc", "zmq::context_t context;\n")
        self.assert_bad(rule, "groupcomm/client_core.cc", "#include <capnp/message.h>\n")
        self.assert_bad(rule, "daemon/host/a.cc", '#include "groupcomm/wire/groupcomm.capnp.h"\n')
        self.assert_bad(rule, "daemon/ctl/a.cc", "#include <spdlog/spdlog.h>\n")
        self.assert_bad(rule, "daemon/host/a.cc", "nlohmann::json value;\n")
        self.assert_good(rule, "daemon/host/peer_socket.cc", "#include <zmq.hpp>\n")
        self.assert_good(rule, "groupcomm/wire/codec.cc", "#include <capnp/message.h>\n")

    def test_public_headers(self):
        rule = rules.public_headers_show_no_library
        self.assert_bad(rule, "groupcomm/client.h", "#include <zmq.hpp>\n")
        self.assert_bad(rule, "groupcomm/wire/codec.h", "#include <capnp/message.h>\n")
        self.assert_bad(rule, "groupcomm/client.h", "namespace zmq { } zmq::socket_t* s;\n")
        self.assert_good(rule, "groupcomm/client.cc", "#include <zmq.hpp>\n")

    def test_sizes(self):
        self.assert_bad(rules.files_are_small, "ordering/a.cc", "\n" * 601)
        self.assert_good(rules.files_are_small, "ordering/a.cc", "\n" * 600)
        self.assert_bad(rules.lines_are_short, "ordering/a.cc", "x" * 101 + "\n")
        self.assert_good(rules.lines_are_short, "ordering/a.cc", "x" * 100 + "\n")
        body = "  ++i;\n" * 69
        self.assert_bad(rules.functions_are_small, "ordering/a.cc", "void f() {\n" + body + "}\n")
        short = "  ++i;\n" * 68
        self.assert_good(rules.functions_are_small, "ordering/a.cc", "void f() {\n" + short + "}\n")

    def test_open_ends(self):
        open_end = "TO" + "DO"
        self.assert_bad(rules.open_ends_name_an_issue, "a.cc", f"// {open_end}: later\n")
        self.assert_good(rules.open_ends_name_an_issue, "a.cc", f"// {open_end}(#12): later\n")

    def test_text(self):
        self.assert_bad(rules.headers_are_guarded, "ordering/a.h", "int x;\n")
        self.assert_bad(rules.text_is_clean, "ordering/a.h", "int x; \n")
        self.assert_bad(rules.text_is_clean, "ordering/a.h", "int x;")
        self.assert_bad(rules.text_is_clean, "ordering/a.h", "\tint x;\n")
        nap = "std::this_thread::sleep_for(1);\n"
        self.assert_bad(rules.tests_do_not_sleep, "tests/a_test.cc", nap)

    def test_documents(self):
        comment = "// Holds what P3 asks for.\n"
        self.assertTrue(violations(rules.cited_rules_exist, "ordering/a.h", comment))
        rule = "- **P3** The sequencer\n"
        known = rules.Tree({"ordering/a.h": comment, "docs/PROTOCOL.md": rule})
        self.assertEqual(list(rules.cited_rules_exist(known)), [])
        frames = "using PeerBody = std::variant<Batch, Nack>;\n"
        bad = rules.Tree({"groupcomm/protocol/peer_frames.h": frames,
                          "docs/PROTOCOL.md": "| `Batch` |\n"})
        self.assertEqual(len(list(rules.every_message_is_documented(bad))), 1)


class Functions(unittest.TestCase):
    def names(self, text):
        return [(f.name, f.lines) for f in source_text.functions(text)]

    def test_finds_bodies_at_namespace_and_class_scope(self):
        text = (
            "namespace n {\nclass A : public B {\n public:\n  int f() const {\n    return 1;\n  }\n"
            "};\nint A::g(int x) {\n  if (x) {\n    return 2;\n  }\n  return 3;\n}\n}\n"
        )
        self.assertEqual(self.names(text), [("f", 3), ("A::g", 6)])

    def test_a_constructor_with_brace_initializers_is_one_function(self):
        text = "A::A(int x)\n    : a_{x},\n      b_{x, 2} {\n  run();\n}\n"
        self.assertEqual(self.names(text), [("A::A", 5)])

    def test_a_table_is_no_function(self):
        self.assertEqual(self.names("const std::vector<int> kTable = {\n  f(1),\n  2,\n};\n"), [])

    def test_literals_and_comments_do_not_count(self):
        text = "void f() {\n  char c = '{';\n  // }\n  auto s = \"}\" ;\n  int n = 1'000;\n}\n"
        self.assertEqual(self.names(text), [("f", 6)])

    def test_names_tests_whole(self):
        self.assertEqual(self.names("TEST(Suite, Name) {\n}\n"), [("TEST(Suite, Name)", 2)])


if __name__ == "__main__":
    unittest.main()
