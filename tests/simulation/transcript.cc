#include "tests/simulation/transcript.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace groupcomm::simulation {
namespace {

namespace record = verify::record;

// Incarnations become 1, 2, ... for each daemon, and view ids lose what a clock drew.
class Shortener {
 public:
  explicit Shortener(const std::vector<verify::Trace>& traces) {
    for (const verify::Trace& trace : traces) {
      if (trace.header.role != verify::Role::kDaemon) continue;
      const std::string& full = trace.header.name;
      incarnations_.insert(full);
      daemons_[full.substr(full.rfind('#') + 1)].insert(full.substr(0, full.rfind('#')));
    }
  }
  std::string name(const std::string& full) const {
    const std::size_t hash = full.rfind('#');
    if (hash == std::string::npos || full.size() < hash + 17) return full;
    const std::size_t at = full.rfind('@', hash);
    const std::string daemon =
        at == std::string::npos ? full.substr(0, hash + 17) : full.substr(at + 1, hash + 16 - at);
    return full.substr(0, hash + 1) + life(daemon) + full.substr(hash + 17);
  }
  // The counter, who proposed the view, and its place in the daemons' view.
  std::string view(const std::string& id) const {
    const std::size_t dot = id.find('.');
    const std::size_t slash = id.find('/');
    std::string proposers;
    const auto found = daemons_.find(id.substr(dot + 1, id.find('.', dot + 1) - dot - 1));
    if (found != daemons_.end()) {
      for (const std::string& daemon : found->second) proposers += "@" + daemon;
    }
    return "v" + id.substr(0, dot) + proposers +
           (slash == std::string::npos ? "" : id.substr(slash));
  }
  std::string names(const std::vector<std::string>& all) const {
    std::string text;
    for (const std::string& one : all) text += (text.empty() ? "" : " ") + name(one);
    return "[" + text + "]";
  }

 private:
  std::string life(const std::string& daemon) const {
    const std::string prefix = daemon.substr(0, daemon.rfind('#') + 1);
    const auto first = incarnations_.lower_bound(prefix);
    const auto own = incarnations_.find(daemon);
    return own == incarnations_.end() ? "?" : std::to_string(std::distance(first, own) + 1);
  }
  std::set<std::string> incarnations_;
  std::map<std::string, std::set<std::string>> daemons_;  // by incarnation; mostly one each
};

class TranscriptWriter {
 public:
  explicit TranscriptWriter(const Shortener& names) : names_(names) {}
  std::string take() {
    end_run();
    return std::move(text_);
  }

  template <typename R>
  void on(const R&) {}
  void on(const record::Start& r) { line(r.p, "", "starts"); }
  void on(const record::Crash& r) { line(r.p, "", "crashes"); }
  void on(const record::Exit& r) { line(r.p, "", "ends"); }
  void on(const record::View& r) {
    std::string what = "view " + names_.view(r.id) + " " + names_.names(r.members);
    if (!r.primary) what += " not primary";
    for (const std::string& member : r.joined) what += " +" + names_.name(member);
    for (const record::Left& left : r.left)
      what += " -" + names_.name(left.member) + ":" + left.reason;
    if (r.g != verify::kDaemons && came_along(r) != r.transitional) {
      what += " with " + names_.names(r.transitional);
    }
    line(r.p, r.g, what + (r.forced ? " forced" : "") + (r.recovered ? " recovered" : ""));
  }
  void on(const record::Transition& r) {
    line(r.p, r.g, "transition with " + names_.names(r.transitional));
  }
  void on(const record::Block& r) { line(r.p, r.g, "block"); }
  void on(const record::BlockOk& r) { line(r.p, r.g, "holds back"); }
  void on(const record::Send& r) {
    if (r.daemon_number) return;  // a daemon's record of it
    add(r.p, r.g, r.number, "its ", " accepted");
  }
  void on(const record::Safe& r) {
    line(r.p, r.g, "has its " + std::to_string(r.number) + " at all");
  }
  void on(const record::SendFail& r) {
    line(r.p, r.g, "its " + std::to_string(r.number) + " fails");
  }
  void on(const record::Suspended& r) { line(r.p, r.g, "suspended"); }
  void on(const record::Gone& r) { line(r.p, r.g, "gone " + r.reason); }
  void on(const record::Reject& r) { line(r.p, r.g, "rejected " + r.reason); }
  void on(const record::Deliver& r) {
    if (r.g == verify::kDaemons) return;
    add(r.p, r.g, r.number, to_string(r.order) + " ", " of " + names_.name(r.sender));
  }
  void on_note(const Note& note, const std::string& p) { line(p, "", note.text); }

 private:
  // Those of the view that are not new in it, and whoever is told.
  static std::vector<std::string> came_along(const record::View& r) {
    std::vector<std::string> old;
    for (const std::string& member : r.members) {
      const bool is_new = std::find(r.joined.begin(), r.joined.end(), member) != r.joined.end();
      if (!is_new || member == r.p) old.push_back(member);
    }
    return old;
  }
  // Lines that differ in their number only, and follow one another, become one.
  struct Range {
    std::string p;
    std::string g;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::string before;
    std::string behind;
  };
  void add(const std::string& p, const std::string& g, std::uint64_t number,
           const std::string& before, const std::string& behind) {
    const bool follows = range_ && range_->p == p && range_->g == g && range_->before == before &&
                         range_->behind == behind && range_->last + 1 == number;
    if (!follows) {
      end_run();
      range_ = {p, g, number, number, before, behind};
    }
    range_->last = number;
  }
  void end_run() {
    const std::optional<Range> range = std::exchange(range_, std::nullopt);
    if (!range) return;
    const std::string from = range->first == range->last ? "" : std::to_string(range->first) + "..";
    line(range->p, range->g, range->before + from + std::to_string(range->last) + range->behind);
  }
  void line(const std::string& p, const std::string& g, const std::string& what) {
    end_run();
    text_ +=
        names_.name(p) + (g.empty() || g == verify::kDaemons ? "" : " " + g) + ": " + what + "\n";
  }
  const Shortener& names_;
  std::string text_;
  std::optional<Range> range_;
};

}  // namespace

std::string transcript_of(const Outcome& outcome) {
  const Shortener names(outcome.traces);
  TranscriptWriter writer(names);
  for (const verify::Trace& trace : outcome.traces) {
    const auto is_due = [&](const Note& note, std::size_t records) {
      return note.trace == trace.header.name && note.after == records;
    };
    for (std::size_t i = 0; i <= trace.records.size(); ++i) {
      for (const Note& note : outcome.notes) {
        if (is_due(note, i)) writer.on_note(note, note.process);
      }
      if (i == trace.records.size()) break;
      std::visit([&](const auto& r) { writer.on(r); }, trace.records[i]);
    }
  }
  return writer.take();
}

}  // namespace groupcomm::simulation
