// Reads scenario files. What cannot be played is refused here, with its line, and not in the run.
#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>

#include "tests/simulation/probes.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/settings.h"

namespace groupcomm::simulation {
namespace {

constexpr std::uint64_t kMillisecondsMax = 1'000'000'000;
constexpr std::uint64_t kTimesMax = 100'000;

using Words = std::vector<std::string>;

Words words_of(const std::string& line) {
  std::istringstream stream(line);
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string rest_of(const Words& words, std::size_t first) {
  std::string text;
  for (std::size_t i = first; i < words.size(); ++i) text += (i > first ? " " : "") + words[i];
  return text;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// --- actions: empty, or what is wrong with them --------------------------------------------------

std::string why_no_node(char kind, const std::string& name, std::size_t count) {
  const bool has_kind = name.size() > 1 && name[0] == kind;
  const auto number = number_of(std::string_view(name).substr(has_kind ? 1 : 0));
  if (has_kind && number && *number < count) return "";
  return std::string(kind == 'd' ? "no daemon " : "no client ") + name;
}

std::string why_no_link(const std::string& link, const Plan& plan) {
  const std::size_t arrow = link.find('>');
  if (arrow == std::string::npos) return "no link " + link;
  const std::string from = link.substr(0, arrow);
  const std::string to = link.substr(arrow + 1);
  for (const std::string& end : {from, to}) {
    if (const std::string why = why_no_node('d', end, plan.daemons); !why.empty()) return why;
  }
  return from == to ? "no link " + link : "";
}

std::string why_no_group(const std::string& name, const Plan& plan) {
  for (std::size_t i = 0; i < plan.groups; ++i) {
    if (group_name(plan, i) == name) return "";
  }
  return "no group " + name;
}

std::string why_no_frame(const std::string& name) {
  const bool is_known = frame_kind(name) < std::variant_size_v<protocol::PeerBody>;
  return is_known ? "" : "no frame " + name;
}

// Of "cN send GROUP ORDER [BYTES [TIMES]]".
std::string why_no_send(const Words& words, const Plan& plan) {
  if (words.size() < 4 || words.size() > 6) return "not understood";
  if (const std::string why = why_no_group(words[2], plan); !why.empty()) return why;
  if (!parse_order(words[3]).ok()) return "no order " + words[3];
  for (std::size_t i = 4; i < words.size(); ++i) {
    const auto number = number_of(words[i]);
    if (!number || *number > (i == 4 ? kPayloadBytesMax : kTimesMax))
      return "no number " + words[i];
  }
  return "";
}

std::string why_no_client_action(const Words& words, const Plan& plan) {
  const std::string why = why_no_node('c', words[0], plan.clients);
  if (!why.empty()) return why;
  const auto is_one_of = [&](std::initializer_list<std::string_view> names) {
    return words.size() > 1 && std::find(names.begin(), names.end(), words[1]) != names.end();
  };
  if (is_one_of({"crash", "start", "pause", "resume", "bye", "dither", "bootstrap"})) {
    return words.size() == 2 ? "" : "not understood";
  }
  if (is_one_of({"join", "leave", "answer", "act"}) && words.size() == 3) {
    const bool is_all = words[2] == "*" && is_one_of({"join", "leave"});
    return is_all ? "" : why_no_group(words[2], plan);
  }
  if (is_one_of({"send", "ask"})) return why_no_send(words, plan);
  if (is_one_of({"repeat", "expire"}) && words.size() == 4) {
    const std::string why_not = why_no_node('c', words[2], plan.clients);
    return why_not.empty() ? why_no_group(words[3], plan) : why_not;
  }
  return "not understood";
}

std::string why_not_playable(const std::string& action, const Plan& plan) {
  const Words words = words_of(action);
  const std::string& verb = words[0];
  const auto is_one_of = [&](std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), verb) != names.end();
  };
  if (is_one_of({"heal", "release"})) return words.size() == 1 ? "" : "not understood";
  std::size_t first = 1;
  if (is_one_of({"lose", "hold"}) && words.size() > 1) {
    if (const std::string why = why_no_frame(words[1]); !why.empty()) return why;
    first = 2;
  }
  const bool is_of_links = is_one_of({"lose", "hold", "cut", "stray"});
  if (!is_of_links && !is_one_of({"crash", "start", "pause", "resume", "leave"})) {
    return verb[0] == 'c' ? why_no_client_action(words, plan) : "not understood";
  }
  if (words.size() == first) return "not understood";
  for (std::size_t i = first; i < words.size(); ++i) {
    const std::string why =
        is_of_links ? why_no_link(words[i], plan) : why_no_node('d', words[i], plan.daemons);
    if (!why.empty()) return why;
  }
  return "";
}

// --- lines ---------------------------------------------------------------------------------------

class Reader {
 public:
  Reader() {
    scenario_.plan = quiet_plan();
    scenario_.expected = "passes";
  }
  Result<Scenario> read(const std::string& text) {
    std::istringstream lines(text);
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      if (line == "---") {
        scenario_.transcript.assign(std::istreambuf_iterator<char>(lines), {});
        break;
      }
      scenario_.head += line + "\n";
      const Words words = words_of(line.substr(0, line.find('#')));
      if (words.empty()) continue;
      if (words[0] == "set") line_of_settings_ = number;
      const std::size_t cues = scenario_.plan.cues.size();
      const std::string wrong = read_line(words);
      if (!wrong.empty()) return refusal(number, wrong);
      if (scenario_.plan.cues.size() > cues) lines_of_cues_.push_back(number);
    }
    return checked();
  }

 private:
  static Failure refusal(std::size_t line, const std::string& why) {
    return Failure{std::to_string(line) + ": " + why};
  }
  // What a line means may depend on settings that stand below it.
  Result<Scenario> checked() {
    const std::string wrong = why_unplayable(scenario_.plan);
    if (!wrong.empty()) return refusal(line_of_settings_, wrong);
    for (std::size_t i = 0; i < lines_of_cues_.size(); ++i) {
      const Cue& cue = scenario_.plan.cues[i];
      std::string why = cue.link.empty() ? "" : why_no_link(cue.link, scenario_.plan);
      if (why.empty()) why = why_not_playable(cue.action, scenario_.plan);
      if (!why.empty()) return refusal(lines_of_cues_[i], why + ": \"" + cue.action + "\"");
    }
    return std::move(scenario_);
  }
  // Empty, or what is wrong with the line.
  std::string read_line(const Words& words) {
    const std::string& kind = words[0];
    if (kind == "set") return read_settings(words);
    if (kind == "at" && words.size() > 2) return read_at(words);
    if (kind == "when" && words.size() > 3) return read_when(words);
    if (kind == "expect" && words.size() > 1) {
      scenario_.expected = rest_of(words, 1);
      return "";
    }
    if (kind == "reach" && words.size() > 1) return read_reach(rest_of(words, 1));
    if (kind == "digest" && words.size() == 2) {
      scenario_.digest = number_of(words[1]);
      return scenario_.digest ? "" : "no number " + words[1];
    }
    return "not understood: \"" + rest_of(words, 0) + "\"";
  }
  std::string read_settings(const Words& words) {
    for (std::size_t i = 1; i < words.size(); ++i) {
      const auto done = read_setting(scenario_.plan, words[i]);
      if (!done.ok()) return done.error();
    }
    return "";
  }
  std::string read_at(const Words& words) {
    const auto at = number_of(words[1]);
    if (!at || *at > kMillisecondsMax) return "no time " + words[1];
    Cue cue;
    cue.at = std::chrono::milliseconds(*at);
    cue.action = rest_of(words, 2);
    scenario_.plan.cues.push_back(std::move(cue));
    return "";
  }
  std::string read_when(const Words& words) {
    if (std::string why = why_no_frame(words[1]); !why.empty()) return why;
    Cue cue;
    cue.frame_kind = frame_kind(words[1]);
    cue.link = words[2];
    if (!scenario_.plan.cues.empty()) cue.at = scenario_.plan.cues.back().at;
    cue.action = rest_of(words, 3);
    scenario_.plan.cues.push_back(std::move(cue));
    return "";
  }
  std::string read_reach(const std::string& text) {
    const std::vector<ProbeCount> probes = probe_counts();
    const auto is_it = [&](const ProbeCount& probe) { return probe.text == text; };
    scenario_.reaches.push_back(text);
    if (probes.empty() || std::any_of(probes.begin(), probes.end(), is_it)) return "";
    return "no probe \"" + text + "\"";
  }

  Scenario scenario_;
  std::size_t line_of_settings_ = 1;
  std::vector<std::size_t> lines_of_cues_;
};

}  // namespace

Result<Scenario> parse_scenario(const std::string& text) { return Reader().read(text); }

}  // namespace groupcomm::simulation
