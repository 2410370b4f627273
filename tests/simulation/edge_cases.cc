#include "tests/simulation/edge_cases.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>

namespace groupcomm::simulation {

namespace {

constexpr EdgeCase kAll[] = {
    {1,
     "the sequencer dies with an order that nobody else has",
     {"E1: a sequencer dies with an order that nobody else has",
      "E1: a sequencer dies before it delivers what only it has placed"}},
    {2,
     "it and all that have its order die",
     {"E2: a sequencer dies, and with it all that have its order"}},
    {3,
     "one survivor has the place, another the message",
     {"E3: in a flush one has the place and another the message"}},
    {4,
     "only the dead had the cause of a message",
     {"E4: a message of the cut is void, since its cause is lost"}},
    {5, "only one survivor has a message", {"E5: a message of the cut is pulled from another"}},
    {6,
     "a join is asked for during a flush",
     {"E6: a join is asked for during a flush",
      "E6: a daemon asks to join when a view without it is accepted"}},
    {7,
     "a joiner dies as it is let in",
     {"E7: a view is installed with a joiner that has died",
      "E7: a joiner dies that is in a decided view"}},
    {8,
     "two proposers, or two halves",
     {"E8: a proposer gives way to a higher ballot", "E8: of two halves that of rank 0 goes on"}},
    {9,
     "who leads stands still, is excluded, and goes on",
     {"E9: who led stood still, was excluded, and goes on"}},
    {10,
     "who decided dies before all know",
     {"E10: what one decided who has died is proposed again",
      "E10: who decided has died before anybody else installs the view"}},
    {11,
     "a proposer dies when a minority has accepted",
     {"E11: a proposer dies whose value a minority has accepted"}},
    {12,
     "who accepted one value learns of another",
     {"E12: who accepted one value learns that another was decided"}},
    {13,
     "a death in each attempt",
     {"E13: members die in two attempts at one view",
      "E13: one is left alone by a death in an attempt"}},
    {14, "a link that is one-way", {"E14: who is left out is heard in one direction only"}},
    {15,
     "a bridge",
     {"E15: who is left out has links to some of the members",
      "E15: a proposer waits for a lower rank that others hear"}},
    {16,
     "a send between the block and its answer",
     {"E16: what was sent between a block and its answer is accepted"}},
    {17, "a client never answers a block", {"E17: a client does not answer a block"}},
    {18,
     "a slow client is thrown out as the view changes",
     {"E18: a slow client has too much waiting as the view changes"}},
    {19,
     "one leaves, and comes again at once",
     {"E19: a process joins again before its leave took effect",
      "E19: a daemon and its successor change places in one view"}},
    {20,
     "a restart before anybody noticed",
     {"E20: a new incarnation proves the old one dead",
      "E20: a refusal that may be about a predecessor"}},
    {21, "what a dead incarnation said comes late", {"E21: one that has ended asks to join"}},
    {22, "a message comes two views late", {"E22: a message comes two views late"}},
    {23,
     "answers of another ballot",
     {"E23: the state of another ballot", "E23: the accept of another ballot",
      "E23: a proposal below the promise"}},
    {24,
     "frames of a view to come",
     {"E24: a frame of a view to come", "E24: too many frames of a view to come"}},
    {25,
     "large numbers",
     {"E25: incarnations rise over 2^63", "E25: sessions rise over 2^32",
      "E25: a view is installed after 2^31 others"}},
    {26,
     "two sides meet whose views had one number",
     {"E26: two sides meet whose views had one number"}},
    {27,
     "two sides meet of which one is far ahead",
     {"E27: two sides meet of which one is far ahead"}},
    {28,
     "a cut ends while it is being reacted to",
     {"E28: a link is whole again while its view is being left"}},
    {29,
     "who tells joiners the groups dies",
     {"E29: who tells a joiner of the groups dies before it has them"}},
    {30,
     "the last members die while one joins",
     {"E30: the last members of a group die while another one joins"}},
    {31,
     "a safe message that one cannot acknowledge",
     {"E31: a safe message is delivered after a transition"}},
    {32,
     "a call is made again while it is in a cut",
     {"E32: a call is in the cut of a flush, and is sent again"}},
    {33,
     "and its session expires beside that",
     {"E33: a call is in the cut of a flush, is sent again, and expires"}},
    {34,
     "a marker is under way as the view changes",
     {"E34: a message of the total order is delivered in a flush"}},
    {35, "alone in a group", {"E35: a safe message of one who is alone"}},
    {36,
     "a daemon dies with what it accepted from outside of a group",
     {"E36: a message from outside is accepted and dies with its daemon"}},
    {37, "a daemon stands still", {"E37: a daemon has stood still and asks before it delivers"}},
    {38,
     "64 joins and leaves in one flush",
     {"E38: 64 joins and leaves are asked for in one flush"}},
    {39,
     "half a large message",
     {"E39: a daemon dies with half a large message sent",
      "E39: a view change cuts a large message in two"}},
    {40,
     "all leave at once",
     {"E40: all that are left leave", "E40: all that are there leave, and none needs a view"}},
    {41,
     "two clusters on one network",
     {"E41: a frame of another lineage", "E41: a frame of another cluster"}},
    {42,
     "what a flush tells outgrows a frame",
     {"E42: an answer to a ballot tells of a thousand places"},
     "FrameSizes.TheLongestOrderFitsIntoTheAnswerToAPrepare: it is bounded (T4)"},
    {43,
     "a safe message without its cause",
     {"E43: a safe message of the cut is void, since its cause is lost"}},
    {44,
     "a hole in the order",
     {"E44: places are known behind one that was lost with the sequencer",
      "E44: a place is void, since a message at or before it is lost"}},
    {45,
     "frozen for a ballot whose proposer dies",
     {"E45: who froze for one that does nothing any more is in another ballot"}},
    {46,
     "a connection ends with a send in it",
     {"E46: a connection ends before a send has its answer"}},
};

}  // namespace

std::span<const EdgeCase> edge_cases() { return kAll; }

bool is_hit(std::string_view text, const std::vector<ProbeCount>& before,
            const std::vector<ProbeCount>& after) {
  for (std::size_t i = 0; i < after.size(); ++i) {
    const std::uint64_t had = i < before.size() ? before[i].count : 0;
    if (after[i].text == text && after[i].count > had) return true;
  }
  return false;
}

std::vector<int> edge_cases_between(const std::vector<ProbeCount>& before,
                                    const std::vector<ProbeCount>& after) {
  std::vector<int> reached;
  for (const EdgeCase& edge_case : edge_cases()) {
    const auto is_one_hit = [&](std::string_view probe) { return is_hit(probe, before, after); };
    if (std::any_of(edge_case.probes.begin(), edge_case.probes.end(), is_one_hit)) {
      reached.push_back(edge_case.number);
    }
  }
  return reached;
}

int edge_case_of_file(const std::string& path) {
  const std::string name = std::filesystem::path(path).filename().string();
  if (name.size() < 4 || name[0] != 'e' || name[3] != '_') return 0;
  return std::atoi(name.substr(1, 2).c_str());
}

}  // namespace groupcomm::simulation
