#!/usr/bin/env python3
"""Plants known bugs in a copy of the tree, one at a time; the simulator must find each.

A checker that never fails proves nothing. Each mutant is a textual change of the protocol's code;
it survives where no seed fails. A text that is not found exactly once is an error: the list must
follow the code.

    tests/simulation/mutants.py [--seeds N] [--jobs N] [--only NAME] [--work FOLDER]
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Name, file, the text and what stands there instead.
MUTANTS = [
    ("cut of what the proposer holds only", "membership/view_choice.cc",
     "    if (!answer.state.living) continue;\n    for (std::size_t sender = 0;",
     "    if (!answer.state.living || rank != choice.ballot.proposer) continue;\n"
     "    for (std::size_t sender = 0;"),
    ("a quorum of those who answered", "membership/view_choice.cc",
     "  if (!is_quorum_of(base, std::set<Rank>(staying.begin(), staying.end()))) "
     "return std::nullopt;",
     "  (void)is_quorum_of;"),
    ("an accepted value is not adopted", "membership/view_choice.cc",
     "  if (newest == nullptr) return std::nullopt;",
     "  if (newest == nullptr || newest->ballot.round < 1000000) return std::nullopt;"),
    ("a promise is forgotten", "membership/view_change.cc",
     "  return rank_.has_value() && agreement_.may_promise(ballot);",
     "  (void)ballot;\n  return rank_.has_value();"),
    ("safe is delivered like total", "ordering/holdback.cc",
     "  if (message.order == Order::kSafe) return stability_.ordered_by_all() >= place;",
     "  if (message.order == Order::kSafe) return true;"),
    ("the epoch of a group is ignored", "ordering/epoch_gate.cc",
     "  return !closed_group(message);", "  (void)message;\n  return true;"),
    ("nothing blocks a control message", "ordering/holdback.cc",
     "  return pending.blockers.empty();", "  return true;"),
    ("after is ignored", "ordering/holdback.cc",
     "      if (!is_released_or_delivered(rank, entry->message->after)) continue;", ""),
    ("fifo predecessors are ignored at delivery", "ordering/holdback.cc",
     "  if (!is_released_or_delivered(sender, message.predecessor)) {\n"
     "    stream.deliver_waits.wait_for(message.predecessor, number);\n  } else if",
     "  if"),
    ("a total message does not wait for its predecessor", "ordering/holdback.cc",
     "    if (!is_released_or_delivered(reference.sender, head->predecessor)) break;", ""),
    ("a control message waits for no quorum", "ordering/holdback.cc",
     "      if (!closing || !stability_.is_held_by_quorum(rank, closing)) return false;",
     "      if (!closing) return false;"),
    ("the order of unplaced messages depends on the member", "ordering/holdback.cc",
     "  std::sort(found.begin(), found.end());",
     "  std::sort(found.begin(), found.end(), [&](const auto& a, const auto& b) {\n"
     "    return (std::get<1>(a) == self_) != (std::get<1>(b) == self_) ? std::get<1>(a) == self_\n"
     "                                                                  : a < b;\n  });"),
]


def mutate(tree, mutant):
    name, file, old, new = mutant
    path = tree / file
    text = path.read_text()
    if text.count(old) != 1:
        sys.exit(f"mutant \"{name}\": its text stands {text.count(old)} times in {file}")
    path.write_text(text.replace(old, new))
    return path, text


def build(work, jobs):
    return subprocess.run(["cmake", "--build", work / "build", "--target", "simulate", f"-j{jobs}"],
                          capture_output=True, text=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--work", default="")
    options = parser.parse_args()

    work = pathlib.Path(options.work or tempfile.mkdtemp(prefix="groupcomm-mutants-"))
    tree = work / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    files = subprocess.run(["git", "-C", ROOT, "ls-files", "-z"], capture_output=True, check=True)
    for name in files.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    subprocess.run(["cmake", "-G", "Ninja", "-S", tree, "-B", work / "build",
                    "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMAKE_CXX_FLAGS=-Wno-error"],
                   check=True, capture_output=True)

    survivors = []
    for mutant in MUTANTS:
        if options.only not in mutant[0]:
            continue
        path, original = mutate(tree, mutant)
        built = build(work, options.jobs)
        if built.returncode != 0:
            sys.exit(f"mutant \"{mutant[0]}\" does not build:\n{built.stdout}{built.stderr}")
        run = subprocess.run([work / "build/bin/simulate", "--count", str(options.seeds), "--jobs",
                              str(options.jobs), "--until-failure"], capture_output=True, text=True)
        path.write_text(original)
        seeds = re.findall(r"--seed (\d+)", run.stdout)
        what = re.findall(r"^(\w+) violated|(CHECK failed[^\n]*)|^(complaint: [^\n]*)", run.stdout,
                          re.M)
        if run.returncode == 0:
            survivors.append(mutant[0])
        found = " ".join(dict.fromkeys("".join(w) for w in what))[:150]
        print(f"{'SURVIVES' if run.returncode == 0 else 'caught'}: {mutant[0]}"
              + (f" (seed {seeds[0]}: {found})" if seeds else ""), flush=True)
    if not options.work:
        shutil.rmtree(work)
    return 1 if survivors else 0


if __name__ == "__main__":
    os.environ.pop("GROUPCOMM_SIM_SEEDS", None)
    sys.exit(main())
